package scoring;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;

/** The fields of an event that the job reads. */
@JsonIgnoreProperties(ignoreUnknown = true)
public class Event {
    public String key;
    public String event_id;
    public String type;
    public String occurred_at;
    public String received_at;
    public String offer_type;
    public String form_type;
    public String phone;
    public String company;
    public boolean is_machine;
}
