"""An M/M/4 in happysimulator, for `cargo bench --bench services -- happysimulator`.

Prints how many requests were served and the CPU seconds that took, start-up not counted.
"""

import sys
import time

from happysimulator import Instant, Server, Simulation, Sink, Source
from happysimulator.distributions import ExponentialLatency

rate, seconds = float(sys.argv[1]), float(sys.argv[2])
sink = Sink()
server = Server("desk", concurrency=4, service_time=ExponentialLatency(0.001), downstream=sink)
source = Source.poisson(rate=rate, target=server)
simulation = Simulation(sources=[source], entities=[server, sink], end_time=Instant.from_seconds(seconds))
before = time.process_time()
simulation.run()
print(len(sink.latencies_s), time.process_time() - before)
