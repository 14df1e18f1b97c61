package scoring;

import java.time.Instant;
import java.time.LocalDate;
import java.util.Arrays;

/** The job for peers on the JVM: the rules of deploy/models/published.yaml by hand; the twin of peers/job.py. */
public final class Scoring {
    private static final long MINUTE = 60_000;
    private static final long HOUR = 60 * MINUTE;
    private static final long WINDOW = 30 * 24 * HOUR;
    private static final long SESSION = 30 * MINUTE;
    private static final long SPELL = 6 * HOUR;
    private static final int SPELLS = 4;
    private static final int MOST_IDS = 256;
    private static final double ENOUGH = 40;

    private Scoring() {}

    /** Applies one event to a lead's state; the handoff if this event makes one, else null. */
    public static Handoff apply(Lead lead, String key, Event event) {
        if (seen(lead, digest(event.event_id), (int) (milliseconds(event.received_at) / SPELL))) {
            return null;
        }
        long at = milliseconds(event.occurred_at);
        lead.clock = Math.max(lead.clock, at);
        learn(lead, event);
        if (!event.is_machine) {
            count(lead, event, at);
        }
        lead.score = score(lead, lead.clock - WINDOW);
        if (lead.score < ENOUGH || lead.phone == null || lead.handedOver) {
            return null;
        }
        lead.handedOver = true;
        Handoff handoff = new Handoff();
        handoff.lead_key = key;
        handoff.score = lead.score;
        handoff.time = event.occurred_at;
        handoff.phone = lead.phone;
        handoff.company = lead.company;
        return handoff;
    }

    /** Whether the lead had this event within the last day; remembers it otherwise. */
    private static boolean seen(Lead lead, long id, int spell) {
        for (long other : lead.ids) {
            if (other == id) {
                return true;
            }
        }
        int length = lead.ids.length;
        int first = length >= MOST_IDS ? 1 : 0;
        while (first < length && lead.spells[first] < spell - SPELLS) {
            first++;
        }
        lead.ids = Arrays.copyOfRange(lead.ids, first, length + 1);
        lead.spells = Arrays.copyOfRange(lead.spells, first, length + 1);
        lead.ids[length - first] = id;
        lead.spells[length - first] = spell;
        return false;
    }

    private static void learn(Lead lead, Event event) {
        if (event.type.equals("form_submitted")) {
            if (event.phone != null && !event.phone.isEmpty()) {
                lead.phone = event.phone;
            }
            if (event.company != null && !event.company.isEmpty()) {
                lead.company = event.company;
            }
        }
    }

    private static void count(Lead lead, Event event, long at) {
        switch (event.type) {
            case "page_viewed" -> visit(lead, at);
            case "email_opened" -> open(lead, at);
            case "sales_contacted" -> lead.contact = Math.max(lead.contact, at);
            case "form_submitted" -> whitepaper(lead, event.form_type, at);
            case "content_downloaded" -> whitepaper(lead, event.offer_type, at);
            default -> { }
        }
    }

    private static void whitepaper(Lead lead, String kind, long at) {
        if ("whitepaper".equals(kind)) {
            lead.whitepaper = Math.max(lead.whitepaper, at);
        }
    }

    private static void open(Lead lead, long at) {
        if (at >= lead.open) {
            lead.openBefore = lead.open;
            lead.open = at;
        } else if (at > lead.openBefore) {
            lead.openBefore = at;
        }
    }

    /** Pages less than 30 minutes apart are one visit; three begun within 30 days count from the third on. */
    private static void visit(Lead lead, long at) {
        long end = lead.visitEnd;
        lead.visitEnd = Math.max(end, at);
        int length = lead.visits.length;
        if (length > 0 && at - end < SESSION) {
            return;
        }
        lead.visits = Arrays.copyOfRange(lead.visits, length == 3 ? 1 : 0, length + 1);
        lead.visits[lead.visits.length - 1] = at;
        if (lead.visits.length == 3 && at - lead.visits[0] < WINDOW) {
            lead.frequent = at;
        }
    }

    private static double score(Lead lead, long low) {
        double points = lead.frequent > low ? 10 : 0;
        points += lead.whitepaper > low ? 20 : 0;
        points += lead.contact > low ? 30 : 0;
        points += lead.open > low ? 5 : 0;
        return points + (lead.openBefore > low ? 5 : 0);
    }

    /** FNV-1a, 64 bits. */
    private static long digest(String text) {
        long hash = 0xcbf29ce484222325L;
        for (int i = 0; i < text.length(); i++) {
            hash = (hash ^ text.charAt(i)) * 0x100000001b3L;
        }
        return hash;
    }

    /** RFC 3339; the usual form, 2026-11-02T01:00:00.000Z, without Instant's parser, which is slow. */
    static long milliseconds(String text) {
        if (text.length() != 24 || text.charAt(23) != 'Z') {
            return Instant.parse(text).toEpochMilli();
        }
        long day = LocalDate.of(number(text, 0, 4), number(text, 5, 7), number(text, 8, 10)).toEpochDay();
        long minutes = (day * 24 + number(text, 11, 13)) * 60 + number(text, 14, 16);
        return (minutes * 60 + number(text, 17, 19)) * 1000 + number(text, 20, 23);
    }

    private static int number(String text, int from, int to) {
        int value = 0;
        for (int i = from; i < to; i++) {
            value = value * 10 + text.charAt(i) - '0';
        }
        return value;
    }
}
