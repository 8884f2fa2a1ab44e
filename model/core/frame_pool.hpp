#pragma once  // Free lists for coroutine frames: a flow costs no malloc after the first of its size.
#include <array>
#include <cstddef>
#include <new>

namespace mcemu {

/// Recycles blocks by size class of 64 bytes. One simulation runs in one thread of a process, so
/// there is no locking; blocks return to the system with the process. Under AddressSanitizer every
/// frame is an allocation of its own, so that a use after its end is found.
class FramePool {
public:
    static void* allocate(std::size_t size) {
        const std::size_t index = (size + 63) / 64;
        if (!kPooled || index >= kClasses) return ::operator new(size);
        if (Block* block = free_[index]) {
            free_[index] = block->next;
            return block;
        }
        return ::operator new(index * 64);
    }
    static void release(void* p, std::size_t size) {
        const std::size_t index = (size + 63) / 64;
        if (!kPooled || index >= kClasses) return ::operator delete(p);
        free_[index] = new (p) Block{free_[index]};
    }

private:
    struct Block {
        Block* next;
    };
#ifdef __SANITIZE_ADDRESS__
    static constexpr bool kPooled = false;
#else
    static constexpr bool kPooled = true;
#endif
    static constexpr std::size_t kClasses = 64;
    static inline std::array<Block*, kClasses> free_{};
};

}  // namespace mcemu
