"""Reading media files with PyAV in bounded memory."""
