package scoring;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** One lead's state, with a compact binary form. Instants in Unix milliseconds, 0 for none. */
public class Lead {
    public long clock;
    public double score;
    public boolean handedOver;
    public String phone;
    public String company;
    public long whitepaper;
    public long contact;
    public long open;
    public long openBefore;
    public long[] visits = new long[0];
    public long visitEnd;
    public long frequent;
    /** Digests of event ids in the order of arrival, and the six-hour spell in which each arrived. */
    public long[] ids = new long[0];
    public int[] spells = new int[0];

    public byte[] encode() {
        byte[] phoneBytes = bytes(phone);
        byte[] companyBytes = bytes(company);
        int size = 8 * 8 + 1 + 4 + phoneBytes.length + 4 + companyBytes.length;
        ByteBuffer out = ByteBuffer.allocate(size + 1 + 8 * visits.length + 2 + 12 * ids.length);
        out.putLong(clock).putDouble(score).put((byte) (handedOver ? 1 : 0));
        out.putLong(whitepaper).putLong(contact).putLong(open).putLong(openBefore).putLong(visitEnd).putLong(frequent);
        out.putInt(phone == null ? -1 : phoneBytes.length).put(phoneBytes);
        out.putInt(company == null ? -1 : companyBytes.length).put(companyBytes);
        out.put((byte) visits.length);
        for (long visit : visits) {
            out.putLong(visit);
        }
        out.putShort((short) ids.length);
        out.asLongBuffer().put(ids);
        out.position(out.position() + 8 * ids.length);
        out.asIntBuffer().put(spells);
        return out.array();
    }

    public static Lead decode(byte[] data) {
        ByteBuffer in = ByteBuffer.wrap(data);
        Lead lead = new Lead();
        lead.clock = in.getLong();
        lead.score = in.getDouble();
        lead.handedOver = in.get() == 1;
        lead.whitepaper = in.getLong();
        lead.contact = in.getLong();
        lead.open = in.getLong();
        lead.openBefore = in.getLong();
        lead.visitEnd = in.getLong();
        lead.frequent = in.getLong();
        lead.phone = text(in);
        lead.company = text(in);
        lead.visits = new long[in.get()];
        for (int i = 0; i < lead.visits.length; i++) {
            lead.visits[i] = in.getLong();
        }
        lead.ids = new long[in.getShort()];
        lead.spells = new int[lead.ids.length];
        in.asLongBuffer().get(lead.ids);
        in.position(in.position() + 8 * lead.ids.length);
        in.asIntBuffer().get(lead.spells);
        return lead;
    }

    private static byte[] bytes(String text) {
        return text == null ? new byte[0] : text.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(ByteBuffer in) {
        int length = in.getInt();
        if (length < 0) {
            return null;
        }
        byte[] bytes = new byte[length];
        in.get(bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
