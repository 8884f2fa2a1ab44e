#include "raw_kernel.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <systemc>

namespace mcemu::bench {
namespace {

const sc_core::sc_time& one_ns() {
    static const sc_core::sc_time t(1, sc_core::SC_NS);
    return t;
}

/// Cases a and b: one method that sets itself going again.
class Pulse : public sc_core::sc_module {
public:
    Pulse(const sc_core::sc_module_name& name, bool by_event, std::uint64_t events)
        : sc_module(name), by_event_(by_event), left_(events) {
        SC_HAS_PROCESS(Pulse);
        SC_METHOD(beat_method);
        sensitive << go_;
        dont_initialize();
        go_.notify(one_ns());
    }

private:
    void beat_method() {
        if (--left_ == 0) return;
        if (by_event_) go_.notify(one_ns());
        else next_trigger(one_ns());
    }

    const bool by_event_;
    std::uint64_t left_;
    sc_core::sc_event go_{"go"};
};

/// Cases e64 to e4096: the listeners of a broadcast.
class Listener : public sc_core::sc_module {
public:
    Listener(const sc_core::sc_module_name& name, const sc_core::sc_event& call) : sc_module(name) {
        SC_HAS_PROCESS(Listener);
        SC_METHOD(hear_method);
        sensitive << call;
        dont_initialize();
    }
    std::uint64_t heard() const { return heard_; }

private:
    void hear_method() { ++heard_; }
    std::uint64_t heard_ = 0;
};

class Caller : public sc_core::sc_module {
public:
    Caller(const sc_core::sc_module_name& name, std::uint64_t listeners, std::uint64_t calls)
        : sc_module(name), left_(calls) {
        SC_HAS_PROCESS(Caller);
        SC_METHOD(call_method);
        sensitive << go_;
        dont_initialize();
        for (std::uint64_t i = 0; i < listeners; ++i)
            listeners_.push_back(std::make_unique<Listener>(("listener" + std::to_string(i)).c_str(), call_));
        go_.notify(one_ns());
    }
    std::uint64_t heard() const {
        std::uint64_t sum = 0;
        for (const auto& l : listeners_) sum += l->heard();
        return sum;
    }

private:
    void call_method() {
        call_.notify();
        if (--left_ != 0) next_trigger(one_ns());
    }

    std::uint64_t left_;
    sc_core::sc_event go_{"go"}, call_{"call"};
    std::vector<std::unique_ptr<Listener>> listeners_;
};

/// Plain entries in (time, sequence) order.
class Heap {
public:
    struct Entry {
        std::uint64_t time;
        std::uint32_t sequence;
        std::uint32_t payload;
    };
    void push(std::uint64_t time, std::uint32_t payload) {
        entries_.push_back({time, sequence_++, payload});
        std::push_heap(entries_.begin(), entries_.end(), later);
    }
    Entry pop() {
        std::pop_heap(entries_.begin(), entries_.end(), later);
        const Entry e = entries_.back();
        entries_.pop_back();
        return e;
    }
    bool empty() const { return entries_.empty(); }
    std::uint64_t next_time() const { return entries_.front().time; }

private:
    static bool later(const Entry& a, const Entry& b) {
        return a.time != b.time ? a.time > b.time : a.sequence > b.sequence;
    }
    std::vector<Entry> entries_;
    std::uint32_t sequence_ = 0;
};

constexpr std::uint64_t kStepPs = 1000;

/// Cases j1, j16 and jq.
class HeapClock : public sc_core::sc_module {
public:
    HeapClock(const sc_core::sc_module_name& name, std::uint64_t events, unsigned width,
              std::uint64_t ahead_ps)
        : sc_module(name), left_(events), width_(width), ahead_ps_(ahead_ps) {
        SC_HAS_PROCESS(HeapClock);
        SC_METHOD(run_method);
        sensitive << go_;
        dont_initialize();
        for (unsigned i = 0; i < width; ++i) heap_.push(kStepPs, i);
        go_.notify(one_ns());
    }
    std::uint64_t handled() const { return handled_; }

private:
    void run_method() {
        const std::uint64_t now = sc_core::sc_time_stamp().value();
        while (!heap_.empty() && heap_.next_time() <= now + ahead_ps_) {
            const Heap::Entry e = heap_.pop();
            ++handled_;
            if (left_ > width_) heap_.push(e.time + kStepPs, e.payload);
            --left_;
        }
        if (!heap_.empty()) go_.notify(sc_core::sc_time::from_value(heap_.next_time() - now));
    }

    std::uint64_t left_;
    const std::uint64_t width_;
    const std::uint64_t ahead_ps_;
    std::uint64_t handled_ = 0;
    sc_core::sc_event go_{"go"};
    Heap heap_;
};

/// Case f.
std::uint64_t heap_alone(std::uint64_t events) {
    Heap heap;
    heap.push(kStepPs, 1);
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < events; ++i) {
        const Heap::Entry e = heap.pop();
        sum += e.payload;
        heap.push(e.time + kStepPs, e.payload);
    }
    return sum;
}

double timed(std::uint64_t events, std::uint64_t (*finish)(void*), void* what) {
    sc_core::sc_start(sc_core::SC_ZERO_TIME);  // elaboration is not part of the rate
    const auto begin = std::chrono::steady_clock::now();
    const std::uint64_t done = finish(what);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    if (done != events)
        throw std::runtime_error("raw kernel: " + std::to_string(done) + " of " + std::to_string(events) + " events");
    return static_cast<double>(events) / taken.count();
}

}  // namespace

const std::vector<std::string>& raw_cases() {
    static const std::vector<std::string> cases = {"a",    "b",     "e64", "e256", "e512",
                                                   "e1024", "e4096", "j1",  "j16",  "jq", "f"};
    return cases;
}

double raw_rate(const std::string& name, std::uint64_t events) {
    if (name == "a" || name == "b") {
        Pulse pulse("pulse", name == "b", events);
        return timed(events, [](void* n) { sc_core::sc_start(); return *static_cast<std::uint64_t*>(n); }, &events);
    }
    if (name.front() == 'e') {
        const std::uint64_t listeners = std::stoull(name.substr(1));
        const std::uint64_t calls = (events + listeners - 1) / listeners;
        Caller caller("caller", listeners, calls);
        return timed(calls * listeners,
                     [](void* c) { sc_core::sc_start(); return static_cast<Caller*>(c)->heard(); }, &caller);
    }
    if (name == "f")
        return timed(events, [](void* n) { return heap_alone(*static_cast<std::uint64_t*>(n)); }, &events);
    if (name == "j1" || name == "j16" || name == "jq") {
        const unsigned width = name == "j16" ? 16 : 1;
        events = events / width * width;
        HeapClock clock("clock", events, width, name == "jq" ? 1'000'000 : 0);
        return timed(events, [](void* c) { sc_core::sc_start(); return static_cast<HeapClock*>(c)->handled(); }, &clock);
    }
    throw std::invalid_argument("raw_rate: no case " + name);
}

}  // namespace mcemu::bench
