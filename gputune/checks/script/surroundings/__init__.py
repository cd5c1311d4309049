"""The check `surroundings`: where the model's weights are, and what hides TensorFlow's errors."""
