"""What a run brings up: engine, images, network, Kind cluster; one file each."""
