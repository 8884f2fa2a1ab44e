#include "core/kernel/pat/oops.hpp"

#include "core/kernel/kernel.hpp"

namespace mcemu::kernel {
namespace {

constexpr int kSigkill = 9;
constexpr int kSiKernel = 0x80;

// __die(), oops_end() and make_task_dead() (arch/x86/kernel/dumpstack.c, kernel/exit.c).
Task<void> die(Kernel& kernel, Context& ctx, std::uint32_t first_line, std::string_view symbol) {
    Env& env = kernel.env;
    if (ctx.worker)
        env.log.line(ctx.cpu, Line::oops_workqueue, env.log.name("events mce_gen_pool_process"));
    env.log.line(ctx.cpu, Line::oops_rip, env.log.name(symbol));
    const std::uint32_t subject = ctx.task ? ctx.task->index : ~std::uint32_t{0};
    env.trace.step(Module::kernel, TraceKind::oops, subject, first_line);
    kernel.machine_check_core.lock_debugging_off();
    if (ctx.task) {
        kernel.processes.force_signal(*ctx.task, kSigkill, kSiKernel, false, 0, 0);
        co_return;
    }
    if (ctx.worker) {
        kernel.workqueue.kill_worker(ctx.cpu);
        co_await std::suspend_always{};  // a dead thread: its flow ends with the kernel
    }
}

}  // namespace

Task<void> oops_paging(Kernel& kernel, Context& ctx, std::uint64_t va, bool write,
                       std::string_view symbol) {
    Env& env = kernel.env;
    const auto first_line = static_cast<std::uint32_t>(env.log.printed());
    env.log.line(ctx.cpu, Line::oops_paging, va);
    env.log.line(ctx.cpu, Line::oops_number, ++env.counters.oopses, write ? 2 : 0);
    co_await die(kernel, ctx, first_line, symbol);
}

Task<void> oops_null(Kernel& kernel, Context& ctx, std::string_view symbol) {
    Env& env = kernel.env;
    const auto first_line = static_cast<std::uint32_t>(env.log.printed());
    env.log.line(ctx.cpu, Line::oops_null, 0);
    env.log.line(ctx.cpu, Line::oops_number, ++env.counters.oopses, 0);
    co_await die(kernel, ctx, first_line, symbol);
}

Task<void> oops_protection(Kernel& kernel, Context& ctx, std::string_view symbol) {
    Env& env = kernel.env;
    const auto first_line = static_cast<std::uint32_t>(env.log.printed());
    env.log.line(ctx.cpu, Line::oops_protection, ++env.counters.oopses);
    co_await die(kernel, ctx, first_line, symbol);
}

}  // namespace mcemu::kernel
