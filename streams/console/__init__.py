"""The console: the funnel, a lead's story, what a change of the model would do, and how the pipeline runs."""
