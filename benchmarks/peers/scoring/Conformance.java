package scoring;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/** Reads `key TAB event` lines and prints the key and time of each handoff: what the tests hold the job to. */
public final class Conformance {
    public static void main(String[] arguments) throws Exception {
        ObjectMapper json = new ObjectMapper();
        Map<String, byte[]> leads = new HashMap<>();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            int tab = line.indexOf('\t');
            String key = line.substring(0, tab);
            byte[] before = leads.get(key);
            Lead lead = before == null ? new Lead() : Lead.decode(before);
            Handoff handoff = Scoring.apply(lead, key, json.readValue(line.substring(tab + 1), Event.class));
            leads.put(key, lead.encode());
            if (handoff != null) {
                System.out.println(handoff.lead_key + "\t" + handoff.time);
            }
        }
    }
}
