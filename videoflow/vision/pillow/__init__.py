"""What needs Pillow: letters, and pictures as JPEG."""
