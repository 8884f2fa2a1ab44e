#pragma once  // The words for what becomes of a run and of an event, each with its meaning in a sentence.
#include <array>
#include <string_view>

namespace mcemu {

struct Meaning {
    std::string_view word, meaning;
};

/// Classes of runs, in the order in which output/classify decides: the first that holds.
inline constexpr std::array kClassMeanings = std::to_array<Meaning>({
    {"shutdown", "a processor shut down and took the machine with it"},
    {"panic", "the kernel panicked"},
    {"kernel-bug", "the kernel oopsed, or restarts an access to poison for ever"},
    {"silent",
     "poison was delivered as good data (EN or the bank's CTL kept its error back), or an "
     "uncorrected error was lost to another one in its bank"},
    {"over-kill", "a process was killed that neither touched the poison nor had its page mapped"},
    {"late", "an upper bound of the scenario (latency max, temporal within) was missed"},
    {"latent",
     "an error is still in the media or in a bank and nobody was told, or an uncorrected memory "
     "error was only logged: its page is still mapped cacheable"},
    {"recovered", "an uncorrected error was met and the kernel acted on it"},
    {"corrected", "a corrected error was logged"},
    {"masked", "what was injected was healed before anybody met it"},
    {"not-effective", "nothing was injected, or all of it was filtered: in no denominator"},
});

/// Fates of events, in rising precedence as enum Fate: the highest that came to an event is its fate.
inline constexpr std::array kFateMeanings = std::to_array<Meaning>({
    {"none", "the event injects no error, or nothing is known of it"},
    {"latent", "the error is still in the media or in a bank: nobody looked"},
    {"filtered",
     "it led to nothing: refused, kept back by EN, CTL or a threshold, healed unmet, its record "
     "lost, or its trigger never came"},
    {"overwritten", "another error took its place in the bank"},
    {"logged", "the kernel made a record of it, and no more"},
    {"consumed",
     "somebody met it and acted: memory_failure(), a signal to a process, an I/O error of a driver "
     "or of a device's transfer"},
    {"shutdown", "a processor shut down because of it"},
    {"panic", "the kernel panicked because of it"},
});

/// The meaning of `word`; "" when it is not among them.
template <std::size_t N>
constexpr std::string_view meaning_of(const std::array<Meaning, N>& all, std::string_view word) {
    for (const Meaning& m : all)
        if (m.word == word) return m.meaning;
    return {};
}

}  // namespace mcemu
