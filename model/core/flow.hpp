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
#include <deque>
#include <exception>
#include <optional>
#include <utility>

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

    /// Lets a flow go on by itself. An exception that leaves it is rethrown from spawn() or from
    /// the agenda entry that resumed it.
    void spawn(Task<void> flow);

private:
    friend struct PromiseBase;
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
template <class T>
class [[nodiscard]] Task {
public:
    using promise_type = Promise<T>;

    explicit Task(std::coroutine_handle<promise_type> h) : handle_(h) {}
    Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;
    Task& operator=(Task&&) = delete;
    ~Task() {
        if (handle_) handle_.destroy();
    }

    bool await_ready() const { return handle_.done(); }
    void await_suspend(std::coroutine_handle<> awaiting) {
        handle_.promise().continuation = awaiting;
    }
    T await_resume() {
        if (handle_.promise().error) std::rethrow_exception(handle_.promise().error);
        if constexpr (!std::is_void_v<T>) return std::move(*handle_.promise().value);
    }

    bool done() const { return handle_.done(); }

private:
    friend class FlowSet;
    std::coroutine_handle<promise_type> handle_;
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

inline void FlowSet::spawn(Task<void> flow) {
    const auto h = flow.handle_;
    PromiseBase::rethrow_escaped();  // of another detached flow that this one set going
    if (h.done()) {
        if (h.promise().error) std::rethrow_exception(h.promise().error);
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
        std::coroutine_handle<>::from_address(reinterpret_cast<void*>(arg)).resume();
        PromiseBase::rethrow_escaped();
    }
};
inline FlowResumer flow_resumer;

/// `co_await delay(agenda, dt)`: goes on `dt` later; at once, without suspending, when dt is 0.
class Delay {
public:
    Delay(Agenda& agenda, SimTime dt) : agenda_(agenda), dt_(dt) {}
    bool await_ready() const { return dt_ == SimTime::zero(); }
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
        const Sleeper s = sleepers_.front();
        sleepers_.pop_front();
        agenda_->post(agenda_->now(), flow_resumer, reinterpret_cast<std::uint64_t>(s.handle.address()),
                      s.why);
    }
    void wake_all() {
        while (!sleepers_.empty()) wake_one();
    }
    bool empty() const { return sleepers_.empty(); }

private:
    struct Sleeper {
        std::coroutine_handle<> handle;
        Causality why;
    };
    Agenda* agenda_;
    std::deque<Sleeper> sleepers_;
};

/// A sleeping lock with first-come-first-served waiters (page lock, entry lock, mf_mutex).
/// unlock() hands the lock to the first waiter: who comes in between queues behind.
class FlowMutex {
public:
    explicit FlowMutex(Agenda& agenda) : queue_(agenda) {}
    bool locked() const { return locked_; }
    Task<void> lock() {
        if (locked_) co_await queue_.wait();
        else locked_ = true;
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
