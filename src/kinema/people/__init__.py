"""All that is known of bodies: 18 joints, their maps and files, detector, track, window, removal, paste and overlay."""
