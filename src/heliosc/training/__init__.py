"""What the trainings of different models share."""
