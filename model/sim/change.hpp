#pragma once  // Settings that change while the emulated kernel runs.
#include "core/kernel/kernel.hpp"
#include "sim/run.hpp"
#include "wires/interfaces.hpp"

namespace mcemu::sim {

/// What a change reaches.
struct ChangeHands {
    kernel::Kernel& kernel;
    Latency& latency;
    wires::MediaIf& media;
};

/// Applies all of `change` but its events. Of the kernel's settings those change that differ from
/// the scenario's own and are listed in change.cpp: what somebody wrote to the others meanwhile
/// stays.
void apply(const Change& change, const Scenario& scenario, ChangeHands hands);

}  // namespace mcemu::sim
