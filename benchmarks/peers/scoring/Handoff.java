package scoring;

/** What sales gets, once per lead. */
public class Handoff {
    public String lead_key;
    public double score;
    public String time;
    public String phone;
    public String company;
}
