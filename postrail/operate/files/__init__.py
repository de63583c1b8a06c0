"""Files of issues on the disks of people: names that are safe, and folders that are not left."""
