#pragma once  // The ndctl program, and a shell in sysfs: what user space decides by itself.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/kernel/env.hpp"
#include "core/kernel/nvdimm/badblocks.hpp"
#include "core/kernel/report.hpp"

namespace mcemu::kernel {

/// Commands are performed as root. Each leaves a report: its exit as 0 or a negative errno, what it
/// printed, what it said on stderr. Source: ndctl 71 to 77 (ndctl/*.c, util/json.c), the
/// attributes of drivers/nvdimm and drivers/acpi/nfit; nvdimm.md 14.
class Ndctl {
public:
    explicit Ndctl(Kernel& kernel) : kernel_(kernel) {}

    Task<void> run(std::uint32_t event, NdctlEvent command);
    /// A module told of its health: monitors look at it.
    void health_event(std::uint32_t nvdimm);
    /// The answer to a firmware call that a scenario event made.
    void report_call(std::uint32_t event, const DsmEvent& call, int rc, const DsmReply& reply);

private:
    using Command = NdctlEvent::Command;
    /// What a command came to.
    struct Outcome {
        std::int64_t ret = 0;
        Node output{};
        std::vector<std::string> messages{};
    };
    struct Health {
        int error = 0;
        std::vector<std::uint8_t> smart;
        SmartThresholds thresholds{};
    };
    struct Monitor {
        std::uint32_t event;
        std::vector<bool> dimms;          // watched, by module
        std::vector<std::uint8_t> health; // last seen
        std::uint32_t events;
    };

    // ndctl.cpp
    Task<void> perform(Context& ctx, const NdctlEvent& c, Outcome& out);
    Task<void> wait_for_scrub(Context& ctx);
    Task<void> start_scrub(Context& ctx, const NdctlEvent& c, Outcome& out);
    Task<void> regions(Context& ctx, const NdctlEvent& c, Outcome& out);
    void dimms(const NdctlEvent& c, Outcome& out);
    bool has_ars() const;

    // namespaces.cpp
    Task<void> create(Context& ctx, const NdctlEvent& c, Outcome& out);
    Task<void> destroy(Context& ctx, const NdctlEvent& c, Outcome& out);
    Task<void> reconfigure(Context& ctx, const NdctlEvent& c, Outcome& out);
    Task<void> check(Context& ctx, const NdctlEvent& c, Outcome& out);
    Task<void> make(Context& ctx, std::uint32_t ns, NamespaceConfig config, Outcome& out);
    int complete(const NamespaceRequest& request, const NamespaceConfig* before,
                 NamespaceConfig& config, Outcome& out) const;
    std::optional<SpaRange> room(std::uint32_t region, std::optional<std::uint64_t> size,
                                 std::optional<std::uint64_t> offset) const;

    // errors.cpp
    Task<void> inject(Context& ctx, const NdctlEvent& c, Outcome& out);
    Task<void> inject_status(Context& ctx, const NdctlEvent& c, Outcome& out);
    Task<void> clear(Context& ctx, const NdctlEvent& c, Outcome& out);
    Task<int> inject_blocks(Context& ctx, const NdctlEvent& c, SpaRange data);
    Task<void> await_rescan(Context& ctx, std::uint64_t count);

    // health.cpp
    Task<Health> health(Context& ctx, std::uint32_t nvdimm);
    Task<void> inject_smart(Context& ctx, const NdctlEvent& c, Outcome& out);
    Task<int> inject_field(Context& ctx, std::uint32_t nvdimm, std::uint32_t field, bool on,
                           std::uint64_t temperature, std::uint64_t spares);
    Task<int> set_thresholds(Context& ctx, std::uint32_t nvdimm, const NdctlEvent::Smart& wanted);
    Task<void> watch(Context& ctx, std::uint32_t event, const NdctlEvent& c, Outcome& out);
    Task<void> tell(std::size_t monitor, std::uint32_t nvdimm);
    static Node health_node(const Health& health);

    // listing.cpp
    Task<void> list(Context& ctx, const NdctlEvent& c, Outcome& out);
    Task<Node> namespace_node(Context& ctx, std::uint32_t ns, bool media_errors);
    Task<Node> region_node(Context& ctx, std::uint32_t region, const NdctlEvent& c);
    Task<Node> dimm_node(Context& ctx, std::uint32_t nvdimm, bool with_health);
    Node bus_node() const;
    struct Row {
        std::uint64_t first, count;  // sectors
    };
    Task<void> add_badblocks(Context& ctx, Node& to, std::uint32_t region, std::vector<Row> rows,
                             std::uint64_t base, bool listed);
    bool concerns(const NdctlEvent& c, std::uint32_t region) const;

    // labels.cpp
    void labels(const NdctlEvent& c, Outcome& out);
    Node labels_node(std::uint32_t nvdimm) const;
    void write_infoblock(const NdctlEvent& c, Outcome& out);

    // attributes.cpp
    void read_attribute(const NdctlEvent& c, Outcome& out);
    void write_attribute(const NdctlEvent& c, Outcome& out);
    void read_infoblock(const NdctlEvent& c, Outcome& out);
    void btt_lookup(const NdctlEvent& c, Outcome& out);

    /// The namespace as it is used, or would be: as made while it is disabled.
    const NamespaceConfig& used_as(std::uint32_t ns) const;
    static const char* word(NamespaceMode mode);

    Kernel& kernel_;
    std::vector<Monitor> monitors_;
};

}  // namespace mcemu::kernel
