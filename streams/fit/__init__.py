"""Pure: what a lead's attributes mean, and how well they match the ideal customer of a model."""
