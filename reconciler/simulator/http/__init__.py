"""HTTP as the simulator speaks it: sockets, framing, routing, the shape of bodies, faults."""
