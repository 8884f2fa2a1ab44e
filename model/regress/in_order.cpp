#include "regress/in_order.hpp"

#include <chrono>
#include <map>
#include <utility>

namespace mcemu::regress {

void in_order(unsigned jobs, const std::function<std::optional<Work>()>& next,
              const std::function<bool(const Heard&)>& take) {
    // Answers that wait for an earlier one.
    const std::size_t most_waiting = std::size_t{64} * jobs;
    Pool pool(jobs, Pool::Limit::zero());
    std::map<std::uint64_t, Heard> waiting;
    std::uint64_t given = 0, taken = 0;
    bool exhausted = false;
    while (true) {
        while (!exhausted && !pool.full() && given - taken < most_waiting) {
            const std::optional<Work> work = next();
            if (!work)
                exhausted = true;
            else
                pool.start(given++, [&](const Pool::Send& send) { send((*work)()); });
        }
        if (pool.running() == 0) return;
        for (Heard& heard : pool.wait(std::chrono::milliseconds(1000))) {
            Heard& known = waiting[heard.ticket];
            std::vector<std::string> answers = std::move(known.answers);
            for (std::string& answer : heard.answers) answers.push_back(std::move(answer));
            known = std::move(heard);
            known.answers = std::move(answers);
        }
        while (!waiting.empty() && waiting.begin()->first == taken &&
               waiting.begin()->second.ended) {
            const bool more = take(waiting.begin()->second);
            waiting.erase(waiting.begin());
            ++taken;
            if (!more) return;
        }
    }
}

}  // namespace mcemu::regress
