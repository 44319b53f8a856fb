"""A second, independent statement of both API contracts: Keyfactor Command and Huawei CSMS on one loopback port.

It imports nothing of the tool and is strict about what it receives; every undocumented behaviour is a switch.
"""

from reconciler.simulator.serving import run_simulator
from reconciler.simulator.simulator import Simulator
from reconciler.simulator.world.fleet_seed import FleetSeed
from reconciler.simulator.world.switches import Switches

__all__ = ["FleetSeed", "Simulator", "Switches", "run_simulator"]
