#pragma once  // Flows: sequential stories in simulated time, as C++20 coroutines on the agenda.
// A flow is written as the kernel function it stands for, top to bottom, and suspends where that
// function would take time, sleep or wait for a lock. It starts at once when called and runs to
// its first real suspension; co_await of a finished Task costs no suspension.
#if defined(__clang__) && __clang_major__ < 15
#ifndef __cpp_impl_coroutine
#define __cpp_impl_coroutine 1  // clang 14 has coroutines only under their experimental name
#endif
#endif
#include <coroutine>
#if defined(__clang__) && __clang_major__ < 15
namespace std::experimental {
using std::coroutine_handle;
using std::coroutine_traits;
using std::noop_coroutine;
using std::suspend_always;
using std::suspend_never;
}  // namespace std::experimental
#endif
#include <cstddef>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/agenda.hpp"
#include "core/frame_pool.hpp"

namespace mcemu {

template <class T = void>
class Task;

/// Keeps the detached flows that have not ended, so that they can be destroyed with their world.
class FlowSet {
public:
    FlowSet() = default;
    FlowSet(const FlowSet&) = delete;
    FlowSet& operator=(const FlowSet&) = delete;
    ~FlowSet();

    /// Starts the flow that `make` returns and lets it go on by itself. An exception that leaves
    /// it is rethrown from spawn() or from the agenda entry that resumed it.
    template <class MakeFlow>
    void spawn(MakeFlow&& make);

private:
    friend struct PromiseBase;
    void adopt(Task<void> flow);
    struct PromiseBase* head_ = nullptr;
};

struct PromiseBase {
    std::coroutine_handle<> continuation;  // who awaits this flow
    std::exception_ptr error;
    FlowSet* owner = nullptr;  // set while detached
    PromiseBase* next = nullptr;
    PromiseBase* previous = nullptr;
    std::coroutine_handle<> self;
    /// What left a detached flow; rethrown by whoever resumed it.
    static inline std::exception_ptr escaped;
    static void rethrow_escaped() {
        if (escaped) std::rethrow_exception(std::exchange(escaped, nullptr));
    }

    static void* operator new(std::size_t size) { return FramePool::allocate(size); }
    static void operator delete(void* p, std::size_t size) { FramePool::release(p, size); }

    std::suspend_never initial_suspend() noexcept { return {}; }
    void unhandled_exception() { error = std::current_exception(); }

    void link(FlowSet& set) {
        owner = &set;
        next = set.head_;
        if (next) next->previous = this;
        set.head_ = this;
    }
    void unlink() {
        if (previous) previous->next = next;
        else owner->head_ = next;
        if (next) next->previous = previous;
        owner = nullptr;
    }

    struct Final {
        bool await_ready() noexcept { return false; }
        template <class P>
        void await_suspend(std::coroutine_handle<P> h) noexcept {
            PromiseBase& p = h.promise();
            if (p.owner) {
                p.unlink();
                if (p.error) escaped = p.error;
                h.destroy();
            } else if (p.continuation) {
                p.continuation.resume();
            }
        }
        void await_resume() noexcept {}
    };
};

template <class T>
struct Promise : PromiseBase {
    std::optional<T> value;
    Task<T> get_return_object();
    Final final_suspend() noexcept { return {}; }
    void return_value(T v) { value = std::move(v); }
};
template <>
struct Promise<void> : PromiseBase {
    Task<void> get_return_object();
    Final final_suspend() noexcept { return {}; }
    void return_void() {}
};

/// The handle of a running flow that yields a T. Await it exactly once, or give it to FlowSet.
///
/// A function that seldom waits need not be a coroutine: where it has nothing to wait for it
/// returns Task<T>::ended(...), else the Task of one that is. A coroutine costs 150 instructions
/// when it never waits, an ended Task 10.
template <class T>
class [[nodiscard]] Task {
    struct Nothing {};
    using Value = std::conditional_t<std::is_void_v<T>, Nothing, std::optional<T>>;

public:
    using promise_type = Promise<T>;

    explicit Task(std::coroutine_handle<promise_type> h) : handle_(h) {}
    static Task ended()
        requires std::is_void_v<T>
    {
        return Task(Value{});
    }
    static Task ended(Value value)
        requires(!std::is_void_v<T>)
    {
        return Task(std::move(value));
    }
    Task(Task&& other) noexcept
        : handle_(std::exchange(other.handle_, {})), value_(std::move(other.value_)) {}
    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;
    Task& operator=(Task&&) = delete;
    ~Task() {
        if (handle_) handle_.destroy();
    }

    bool await_ready() const { return done(); }
    void await_suspend(std::coroutine_handle<> awaiting) {
        handle_.promise().continuation = awaiting;
    }
    T await_resume() {
        if constexpr (std::is_void_v<T>) {
            if (!handle_) return;
        } else {
            if (!handle_) return std::move(*value_);
        }
        if (handle_.promise().error) std::rethrow_exception(handle_.promise().error);
        if constexpr (!std::is_void_v<T>) return std::move(*handle_.promise().value);
    }

    bool done() const { return !handle_ || handle_.done(); }

private:
    friend class FlowSet;
    explicit Task(Value value) : value_(std::move(value)) {}
    std::coroutine_handle<promise_type> handle_;  // null: ended without ever waiting
    [[no_unique_address]] Value value_{};         // of such a one
};

template <class T>
Task<T> Promise<T>::get_return_object() {
    const auto h = std::coroutine_handle<Promise<T>>::from_promise(*this);
    self = h;
    return Task<T>{h};
}
inline Task<void> Promise<void>::get_return_object() {
    const auto h = std::coroutine_handle<Promise<void>>::from_promise(*this);
    self = h;
    return Task<void>{h};
}

inline void FlowSet::adopt(Task<void> flow) {
    const auto h = flow.handle_;
    PromiseBase::rethrow_escaped();  // of another detached flow that this one set going
    if (flow.done()) {
        if (h && h.promise().error) std::rethrow_exception(h.promise().error);
        return;  // ~Task destroys the frame
    }
    h.promise().link(*this);
    flow.handle_ = {};
}

inline FlowSet::~FlowSet() {
    // A flow's locals include the Tasks it awaits: destroying the root destroys its children.
    while (head_) {
        PromiseBase* p = head_;
        p->unlink();
        p->self.destroy();
    }
}

/// Resumes the coroutine whose address is the entry's argument.
class FlowResumer final : public AgendaTarget {
public:
    void on_agenda(std::uint64_t arg) override {
        alone = true;
        std::coroutine_handle<>::from_address(reinterpret_cast<void*>(arg)).resume();
        alone = false;
        PromiseBase::rethrow_escaped();
    }
    /// Whether the running flow was resumed by the agenda and nobody waits for it to suspend: when
    /// it takes time, nothing else happens at now(). False in a flow that spawn() has just started,
    /// as its starter goes on when it suspends. One simulation runs in one thread.
    static inline bool alone = false;
};
inline FlowResumer flow_resumer;

template <class MakeFlow>
void FlowSet::spawn(MakeFlow&& make) {
    const bool alone = std::exchange(FlowResumer::alone, false);
    adopt(make());
    FlowResumer::alone = alone;
}

/// `co_await delay(agenda, dt)`: goes on `dt` later; at once, without suspending, when dt is 0 or
/// when nothing else happens meanwhile. The latter takes a third off an SRAR: neither this flow nor
/// those that await it suspend.
class Delay {
public:
    Delay(Agenda& agenda, SimTime dt) : agenda_(agenda), dt_(dt) {}
    bool await_ready() const {
        return dt_ == SimTime::zero() ||
               (FlowResumer::alone && agenda_.run_on(agenda_.now() + dt_));
    }
    void await_suspend(std::coroutine_handle<> h) {
        agenda_.post(agenda_.now() + dt_, flow_resumer, reinterpret_cast<std::uint64_t>(h.address()));
    }
    void await_resume() {}

private:
    Agenda& agenda_;
    SimTime dt_;
};
inline Delay delay(Agenda& agenda, SimTime dt) { return {agenda, dt}; }

/// Flows that sleep until somebody wakes them, first come first served. A woken flow goes on as
/// an agenda entry of the same time and keeps its own causality.
class WaitQueue {
public:
    explicit WaitQueue(Agenda& agenda) : agenda_(&agenda) {}

    auto wait() {
        struct Awaiter {
            WaitQueue& queue;
            bool await_ready() const { return false; }
            void await_suspend(std::coroutine_handle<> h) {
                queue.sleepers_.push_back({h, queue.agenda_->why()});
            }
            void await_resume() {}
        };
        return Awaiter{*this};
    }
    void wake_one() {
        if (sleepers_.empty()) return;
        post(sleepers_.front());
        sleepers_.erase(sleepers_.begin());
    }
    void wake_all() {
        for (const Sleeper& s : sleepers_) post(s);
        sleepers_.clear();
    }
    bool empty() const { return sleepers_.empty(); }

private:
    struct Sleeper {
        std::coroutine_handle<> handle;
        Causality why;
    };
    void post(const Sleeper& s) {
        agenda_->post(agenda_->now(), flow_resumer,
                      reinterpret_cast<std::uint64_t>(s.handle.address()), s.why);
    }
    Agenda* agenda_;
    // Not a deque: that one allocates 600 bytes when it is made, and a page lock makes a queue in
    // which nobody sleeps.
    std::vector<Sleeper> sleepers_;
};

/// A sleeping lock with first-come-first-served waiters (page lock, entry lock, mf_mutex).
/// unlock() hands the lock to the first waiter: who comes in between queues behind.
class FlowMutex {
public:
    explicit FlowMutex(Agenda& agenda) : queue_(agenda) {}
    bool locked() const { return locked_; }
    auto lock() {
        struct Awaiter {
            FlowMutex& mutex;
            bool await_ready() const { return mutex.try_lock(); }
            void await_suspend(std::coroutine_handle<> h) { mutex.queue_.wait().await_suspend(h); }
            void await_resume() {}
        };
        return Awaiter{*this};
    }
    bool try_lock() { return locked_ ? false : (locked_ = true); }
    void unlock() {
        if (queue_.empty()) locked_ = false;
        else queue_.wake_one();
    }

private:
    bool locked_ = false;
    WaitQueue queue_;
};

}  // namespace mcemu
