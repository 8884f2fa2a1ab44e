#pragma once  // A campaign beyond one machine: its shards as the tasks of a job array.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "campaign/plan.hpp"

namespace mcemu::campaign {

/// The scheduler refused, or shards failed again and again. The message says what to look at.
class ClusterError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct ClusterOptions {
    std::string program;  ///< absolute path of mcemu, the same on all nodes
    std::string output;   ///< the results database; shards are kept in OUTPUT.shards beside it
    /// Empty: Slurm, through sbatch and squeue. Else a command for /bin/sh that submits an array of
    /// {count} tasks, numbered from 1, of {script}; {log} stands for a file name for their output.
    std::string submit;
    std::vector<std::string> submit_options;  ///< further arguments of sbatch
    std::uint64_t shards = 0;                 ///< 0: so that each takes about `shard_time`
    std::chrono::milliseconds shard_time{30'000};
    /// Without news of its tasks for so long a scheduler that cannot be asked has lost them.
    std::chrono::milliseconds lost_after{3'600'000};
    std::chrono::milliseconds poll{500};
    const std::atomic<bool>* interrupt = nullptr;
    std::function<void(std::uint64_t done, std::uint64_t planned)> progress;
};

/// The folder of the shards of a results file.
std::string shards_folder(const std::string& output);
/// Takes it away. Throws OutputError.
void remove_shards(const std::string& output);

/// Makes all runs and writes `output`. Whatever its folder holds of the same campaign from an
/// earlier attempt is not made again. False: interrupted; the folder stays. Throws ClusterError.
///
/// Every shard file is written under a name of its own and renamed into place, and runs are known
/// by cell and number: a task that is started again, or runs twice because a node was believed
/// lost, changes nothing. Tasks that end without a result are submitted again, three times.
bool run_on_cluster(const Plan& plan, const ClusterOptions& options);

/// Merges databases of one campaign into `output`, some at a time. Throws BadDatabase.
void merge_files(std::vector<std::string> files, const std::string& output);

}  // namespace mcemu::campaign
