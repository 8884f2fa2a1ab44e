#include "sim/event_driver.hpp"

#include <algorithm>
#include <cerrno>

#include "core/kernel/mm/mm.hpp"

namespace mcemu::sim {
namespace {

template <class... F>
struct Overload : F... {
    using F::operator()...;
};
template <class... F>
Overload(F...) -> Overload<F...>;

/// Events that the kernel stub performs say themselves when they have ended.
bool kernel_performs(const Action& action) {
    if (const auto* mce = std::get_if<MceEvent>(&action)) return mce->via != MceEvent::Via::hardware;
    return !(std::holds_alternative<PoisonEvent>(action) ||
             std::holds_alternative<SpeculateEvent>(action) || std::holds_alternative<CperEvent>(action) ||
             std::holds_alternative<PowerFailEvent>(action) ||
             std::holds_alternative<StopScrubEvent>(action) || std::holds_alternative<NotifyEvent>(action) ||
             (std::holds_alternative<ScrubEvent>(action) &&
              std::get<ScrubEvent>(action).kind == ScrubEvent::Kind::patrol));
}

}  // namespace

EventDriver::EventDriver(const Scenario& scenario, Agenda& agenda, Trace& trace, Fates& fates,
                         Hands hands, const ConditionWorld& world, MakeLogMatcher make)
    : scenario_(scenario),
      agenda_(agenda),
      trace_(trace),
      fates_(fates),
      hands_(hands),
      world_(world),
      make_(make),
      watch_(scenario.temporal, world, make),
      after_(scenario.events.size()),
      runs_(scenario.events.size()),
      times_(scenario.events.size()),
      ran_(scenario.events.size()) {
    fates_.resize(scenario.events.size());
    for (std::uint32_t i = 0; i < scenario.events.size(); ++i) {
        const Event& event = scenario.events[i];
        fates_[i].injects = injects(event.action);
        if (std::holds_alternative<TriggerAt>(event.trigger)) {
            timed_.push_back(i);
        } else if (const auto* after = std::get_if<TriggerAfter>(&event.trigger);
                   after && after->event >= 0) {
            after_[static_cast<std::size_t>(after->event)].push_back(i);
        } else if (const auto* when = std::get_if<TriggerWhen>(&event.trigger)) {
            whens_.push_back({i, WatchedCondition(when->condition, world, make)});
        } else {
            waiting_.push_back({i});
        }
    }
    std::stable_sort(timed_.begin(), timed_.end(), [&](std::uint32_t a, std::uint32_t b) {
        return std::get<TriggerAt>(scenario.events[a].trigger).at <
               std::get<TriggerAt>(scenario.events[b].trigger).at;
    });
}

void EventDriver::let_sleep(const std::vector<std::uint32_t>& events) {
    asleep_ = events;
    const auto sleeps = [&](std::uint32_t e) {
        return std::find(events.begin(), events.end(), e) != events.end();
    };
    std::erase_if(timed_, sleeps);
    std::erase_if(waiting_, [&](const Waiting& w) { return sleeps(w.event); });
    std::erase_if(whens_, [&](const When& w) { return sleeps(w.event); });
    for (auto& followers : after_) std::erase_if(followers, sleeps);
}

void EventDriver::wake() {
    for (const std::uint32_t i : asleep_) {
        const Trigger& trigger = scenario_.events[i].trigger;
        if (const auto* at = std::get_if<TriggerAt>(&trigger)) {
            agenda_.post(std::max(at->at, agenda_.now()), *this, i, {});
        } else if (const auto* after = std::get_if<TriggerAfter>(&trigger);
                   after && after->event >= 0) {
            after_[static_cast<std::size_t>(after->event)].push_back(i);
        } else if (const auto* when = std::get_if<TriggerWhen>(&trigger)) {
            When& added = whens_.emplace_back(When{i, WatchedCondition(when->condition, world_, make_)});
            added.held = added.condition.look(nullptr);
        } else {
            waiting_.push_back({i});
        }
    }
    asleep_.clear();
    if (!waiting_.empty() || watches()) watch();
}

void EventDriver::watch() {
    trace_.observe([this](std::uint32_t id, const TraceRecord& record) { observe(id, record); });
}

void EventDriver::start() {
    hands_.kernel.on_event_done = [this](std::uint32_t event) { event_done(event); };
    // Without such triggers nobody looks at every record.
    if (!waiting_.empty() || watches()) watch();
    for (When& when : whens_) when.held = when.condition.look(nullptr);
    watch_.look(nullptr, agenda_.now(), 0);
    post_next_timed();
}

void EventDriver::post_next_timed() {
    if (window_) {
        const auto at = [&](std::size_t i) {
            return std::get<TriggerAt>(scenario_.events[timed_[i]].trigger).at;
        };
        for (const std::size_t first = next_timed_;
             next_timed_ < timed_.size() && at(next_timed_) - at(first) <= *window_; ++next_timed_) {
            agenda_.post(at(next_timed_), *this, timed_[next_timed_], {});
            ++apart_;
        }
        return;
    }
    // Only the next one: a million listed events cost a sorted array, not a heap.
    if (next_timed_ < timed_.size())
        agenda_.post(std::get<TriggerAt>(scenario_.events[timed_[next_timed_]].trigger).at, *this,
                     kNextTimed, {});
}

void EventDriver::on_agenda(std::uint64_t arg) {
    if (arg != kNextTimed) {
        const auto event = static_cast<std::uint32_t>(arg);
        const bool was_apart = apart_ != 0 && !ran_[event] &&
                               std::holds_alternative<TriggerAt>(scenario_.events[event].trigger);
        run(event);
        if (was_apart && --apart_ == 0 && !agenda_.stopped()) post_next_timed();
        return;
    }
    const SimTime now = agenda_.now();
    while (next_timed_ < timed_.size() &&
           std::get<TriggerAt>(scenario_.events[timed_[next_timed_]].trigger).at == now) {
        run(timed_[next_timed_++]);
        if (agenda_.stopped()) return;
    }
    post_next_timed();
}

void EventDriver::run(std::uint32_t event) {
    const Event& e = scenario_.events[event];
    if (!ran_[event]) times_[event] = agenda_.now();
    ran_[event] = true;
    ++runs_[event];
    const Causality before = agenda_.why();
    agenda_.set_why({before.cause, event + 1});
    trace_.step(Module::scenario, TraceKind::scenario_event, event);
    perform(event);
    if (e.every > SimTime::zero() && runs_[event] < e.times && !agenda_.stopped())
        agenda_.post(agenda_.now() + e.every, *this, event, {});
    if (!kernel_performs(e.action)) event_done(event);
    agenda_.set_why(before);
}

void EventDriver::perform(std::uint32_t event) {
    const Action& action = scenario_.events[event].action;
    std::visit(
        Overload{
            [&](const MceEvent& mce) {
                if (mce.via == MceEvent::Via::hardware) perform_mce(mce);
                else hands_.kernel.perform(event, action);
            },
            [&](const PoisonEvent& poison) { hands_.media.plant(poison); },
            [&](const SpeculateEvent& speculate) {
                if (speculate.va) load_address_space(speculate.cpu, *speculate.va);
                const std::uint64_t kaddr =
                    speculate.spa ? hands_.kernel.direct_map.page_offset() + *speculate.spa : 0;
                hands_.inject.speculate(speculate, kaddr);
            },
            [&](const ScrubEvent& scrub) {
                if (scrub.kind == ScrubEvent::Kind::patrol) hands_.media.patrol_scrub(scrub.range);
                else hands_.kernel.perform(event, action);
            },
            [&](const DmaEvent& dma) { perform_dma(event, dma); },
            [&](const CperEvent& record) { hands_.firmware.report(record); },
            [&](const StopScrubEvent&) { hands_.firmware.stop_scrub(); },
            [&](const NotifyEvent& e) { hands_.firmware.notify(e.value, e.nvdimm); },
            [&](const PowerFailEvent& fail) {
                PowerFailEvent how = fail;
                const PersistenceDomain domain = scenario_.machine.persistence_domain;
                how.adr_fails |= domain == PersistenceDomain::none;
                hands_.media.power_fail(how);
                hands_.kernel.libnvdimm.power_fail(domain == PersistenceDomain::cpu_cache &&
                                                   !how.adr_fails);
                hands_.kernel.shutdown(0);  // nothing runs without power
            },
            [&](const auto&) { hands_.kernel.perform(event, action); },
        },
        action);
}

/// A CPU on which no process of the scenario has acted yet runs one that lives there: the one that
/// has the address.
void EventDriver::load_address_space(CpuId cpu, std::uint64_t va) {
    kernel::Processes& processes = hands_.kernel.processes;
    if (va >> 63 != 0 || processes.current(cpu)) return;
    for (std::uint32_t i = 0; i < processes.size(); ++i) {
        kernel::Process& process = processes[i];
        if (process.state != kernel::ProcessState::alive || process.cpu != cpu) continue;
        if (!processes.mm().walk(process, va).present) continue;
        processes.switch_to(cpu, &process);
        return;
    }
}

void EventDriver::perform_mce(const MceEvent& mce) {
    // The injector stops the CPU where the scenario says it was: in a process, or in the kernel.
    kernel::Kernel& kernel = hands_.kernel;
    if (mce.process >= 0) {
        kernel::Process& process = kernel.processes[static_cast<std::uint32_t>(mce.process)];
        if (process.state == kernel::ProcessState::alive) {
            process.cpu = mce.cpu;
            kernel.processes.switch_to(mce.cpu, &process);
        }
    }
    hands_.inject.inject(mce);
}

/// The driver has mapped the buffer for the device: it knows where the page lies now.
void EventDriver::perform_dma(std::uint32_t event, const DmaEvent& dma) {
    kernel::Kernel& kernel = hands_.kernel;
    std::uint64_t spa = dma.address;
    if (dma.process >= 0) {
        const auto page = kernel.processes.mm().walk(
            kernel.processes[static_cast<std::uint32_t>(dma.process)], dma.address);
        if (!page.present) {
            kernel.processes.record_syscall(event, "dma", -EFAULT);
            kernel.event_done(event);
            return;
        }
        spa = page.spa;
    }
    hands_.dma.transfer(event, dma, spa);
}

void EventDriver::event_done(std::uint32_t event) {
    if (watches()) {
        watch_.event_done(event);
        for (When& when : whens_) when.condition.event_done(event);
        look_again();
    }
    for (const std::uint32_t next : after_[event]) {
        const auto& after = std::get<TriggerAfter>(scenario_.events[next].trigger);
        agenda_.post(agenda_.now() + after.by, *this, next, {agenda_.why().cause, next + 1});
    }
}

void EventDriver::look(const TraceRecord* record, SimTime at, std::uint32_t id) {
    if (!watch_.empty()) watch_.look(record, at, id);
    for (When& when : whens_) {
        if (when.gone) continue;
        const bool held = when.held;
        when.held = when.condition.look(record);
        if (held || !when.held) continue;
        when.gone = true;
        agenda_.post(agenda_.now(), *this, when.event, {id, when.event + 1});
    }
    std::erase_if(whens_, [](const When& when) { return when.gone; });
}

void EventDriver::observe(std::uint32_t id, const TraceRecord& record) {
    look(&record, record.at, id);
    for (std::size_t i = 0; i < waiting_.size();) {
        if (!sets_off(waiting_[i], record)) {
            ++i;
            continue;
        }
        const std::uint32_t event = waiting_[i].event;
        SimTime by{};
        if (const auto* after = std::get_if<TriggerAfter>(&scenario_.events[event].trigger))
            by = after->by;
        waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(i));
        agenda_.post(agenda_.now() + by, *this, event, {trace_.count(), event + 1});
    }
}

bool EventDriver::sets_off(Waiting& waiting, const TraceRecord& record) const {
    const auto line = [](std::uint64_t address) { return round_down(address, kLineSize); };
    return std::visit(
        Overload{
            [](const TriggerAt&) { return false; },
            [&](const TriggerAfter& after) {
                if (after.signal >= 0)
                    return record.kind == TraceKind::signal_delivered &&
                           record.subject == static_cast<std::uint32_t>(after.signal);
                return after.phase && record.kind == TraceKind::phase &&
                       record.a == static_cast<std::uint64_t>(*after.phase);
            },
            [&](const TriggerOnAccess& access) {
                if (record.kind != TraceKind::access) return false;
                if (access.cpu != kNoCpu && record.subject != access.cpu) return false;
                if (access.spa && line(record.a) != line(*access.spa)) return false;
                if (access.va && line(record.b) != line(*access.va)) return false;
                if (access.process >= 0) {
                    const kernel::Process* current =
                        hands_.kernel.processes.current(record.subject);
                    if (!current || current->index != static_cast<std::uint32_t>(access.process))
                        return false;
                }
                return ++waiting.seen == access.nth;
            },
            [](const TriggerWhen&) { return false; },
        },
        scenario_.events[waiting.event].trigger);
}

bool EventDriver::injects(const Action& action) {
    return std::visit(
        Overload{
            [](const MceEvent&) { return true; },
            [](const PoisonEvent& poison) { return !poison.heal; },
            [](const MadviseEvent&) { return true; },
            [](const HwpoisonPfnEvent&) { return true; },
            [](const CperEvent&) { return true; },
            [](const CxlEvent& cxl) { return cxl.command == CxlEvent::Command::inject_poison; },
            [](const DsmEvent& dsm) { return dsm.function == DsmEvent::Function::inject_error; },
            [](const NdctlEvent& e) {
                return e.command == NdctlEvent::Command::inject_error && !e.uninject && !e.status;
            },
            [](const auto&) { return false; },
        },
        action);
}

void EventDriver::finish() {
    for (std::uint32_t i = 0; i < scenario_.events.size(); ++i) {
        EventFate& fate = fates_[i];
        if (!ran_[i]) {
            fate = {fate.injects ? Fate::filtered : Fate::none, FateReason::never_triggered, 0, 0,
                    fate.injects};
        } else if (!fate.injects) {
            fate = {};
            fate.reason = FateReason::not_injected;
        } else if (fate.fate == Fate::none) {
            // Performed, and nobody claimed it: a system call that refused, or a record that
            // left no trace in any bank.
            fate = {Fate::filtered, FateReason::syscall_failed, 0, 0, true};
        }
    }
    for (const Waiting& waiting : waiting_)
        fates_[waiting.event].came_to = static_cast<std::int64_t>(waiting.seen);
    for (const When& when : whens_)
        if (!when.gone) fates_[when.event].came_to = when.condition.nearest();
}

}  // namespace mcemu::sim
