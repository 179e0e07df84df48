"""What is in images: packages of operating systems and languages, read from the layers."""
