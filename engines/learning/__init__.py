"""What needs torch: recipe, augmentation, losses, training, export."""
