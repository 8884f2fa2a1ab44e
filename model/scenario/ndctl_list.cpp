#include "scenario/ndctl_list.hpp"

#include <charconv>

namespace mcemu::scenario::ndctl {
namespace {

using Type = Value::Type;

class Reader {
public:
    explicit Reader(Findings& findings) : findings_(findings) {}

    List list;

    /// The platform: an array of objects, or one; each may be anything that ndctl lists.
    void read(const Value& value, const Path& path) {
        if (value.is(Type::array)) {
            for (std::size_t i = 0; i < value.count; ++i)
                read(value.items[i], Path{&path, &value.items[i], {}, i, true});
            return;
        }
        if (!value.is(Type::object)) {
            wrong(path, describe(value) + " stands here", "what `ndctl list` prints: objects");
            return;
        }
        const Value* dev = value.find("dev");
        if (dev == nullptr) {
            if (!nested(value, path) && value.count != 0)
                wrong(path, "it has neither \"dev\" nor a list of devices",
                      "\"dimms\", \"regions\" or \"namespaces\"");
            return;
        }
        if (!dev->is(Type::text)) {
            wrong(at(path, *dev), describe(*dev) + " stands here", "the name of a device");
            return;
        }
        const std::string_view name = dev->text();
        if (name.starts_with("ndbus"))
            read_bus(value, path);
        else if (name.starts_with("nmem"))
            read_dimm(value, path);
        else if (name.starts_with("region"))
            read_region(value, path);
        else if (name.starts_with("namespace"))
            read_namespace(value, path);
        else
            wrong(at(path, *dev), in_quotes(name) + " is no device of ndctl",
                  "ndbusN, nmemN, regionN or namespaceN.M");
        nested(value, path);
    }

private:
    static Path at(const Path& up, const Value& member) { return Path{&up, &member, member.key}; }
    void wrong(const Path& path, std::string what, std::string right) {
        findings_.add(path, {std::move(what), std::move(right)});
    }

    /// The lists of devices inside; false when there is none.
    bool nested(const Value& value, const Path& path) {
        bool any = false;
        for (const char* key : {"dimms", "regions", "namespaces"}) {
            const Value* child = value.find(key);
            if (child == nullptr) continue;
            any = true;
            // In a "badblocks" row "dimms" are names; there this is not called.
            read(*child, at(path, *child));
        }
        return any;
    }

    template <class E>
    E entry(const Value& value, const Path& path) {
        E out;
        out.value = &value;
        out.pointer = path.pointer();
        out.dev = std::string(value.find("dev")->text());
        return out;
    }

    /// A whole number; in listings with -u it is a text, which is rounded.
    std::optional<std::uint64_t> number(const Value& value, const Path& path, const char* key) {
        const Value* member = value.find(key);
        if (member == nullptr) return std::nullopt;
        if (member->is(Type::whole)) return member->whole;
        const bool human = member->is(Type::text);
        wrong(at(path, *member), describe(*member) + (human ? " is rounded" : " stands here"),
              human ? "a listing without -u" : "a whole number");
        return std::nullopt;
    }
    std::uint64_t needed(const Value& value, const Path& path, const char* key) {
        if (value.find(key) == nullptr)
            wrong(path, "the key " + in_quotes(key) + " is missing", "`ndctl list` prints it");
        return number(value, path, key).value_or(0);
    }
    std::string text(const Value& value, const Path& path, const char* key) {
        const Value* member = value.find(key);
        if (member == nullptr) return {};
        if (member->is(Type::text)) return std::string(member->text());
        wrong(at(path, *member), describe(*member) + " stands here", "a string");
        return {};
    }

    /// Each item of the list `key`, which are objects.
    template <class Use>
    void each(const Value& value, const Path& path, const char* key, Use use) {
        const Value* items = value.find(key);
        if (items == nullptr) return;
        const Path here = at(path, *items);
        if (!items->is(Type::array)) {
            wrong(here, describe(*items) + " stands here", "an array");
            return;
        }
        for (std::size_t i = 0; i < items->count; ++i) {
            const Value& item = items->items[i];
            const Path there{&here, &item, {}, i, true};
            if (item.is(Type::object))
                use(item, there);
            else
                wrong(there, describe(item) + " stands here", "an object");
        }
    }

    std::vector<Badblocks> badblocks(const Value& value, const Path& path) {
        std::vector<Badblocks> out;
        each(value, path, "badblocks", [&](const Value& row, const Path& here) {
            const Badblocks bad{needed(row, here, "offset"), needed(row, here, "length")};
            constexpr std::uint64_t kMost = 1ull << 43;  // sectors of 52 bits of address
            if (bad.offset > kMost || bad.length > kMost)
                wrong(here, "the range lies beyond 52 bits of address", "512-byte sectors");
            else if (bad.length != 0)
                out.push_back(bad);
        });
        return out;
    }

    void read_bus(const Value& value, const Path& path) {
        Bus bus = entry<Bus>(value, path);
        bus.provider = text(value, path, "provider");
        list.buses.push_back(std::move(bus));
    }

    void read_dimm(const Value& value, const Path& path) {
        Dimm dimm = entry<Dimm>(value, path);
        dimm.handle = number(value, path, "handle");
        dimm.has_health = value.find("health") != nullptr;
        list.dimms.push_back(std::move(dimm));
    }

    void read_region(const Value& value, const Path& path) {
        Region region = entry<Region>(value, path);
        region.size = needed(value, path, "size");
        region.available = number(value, path, "available_size");
        const std::string type = text(value, path, "type");
        region.pmem = type.empty() || type == "pmem";
        each(value, path, "mappings", [&](const Value& item, const Path& here) {
            Mapping m;
            m.dimm = text(item, here, "dimm");
            m.offset = number(item, here, "offset").value_or(0);
            m.length = needed(item, here, "length");
            m.position = number(item, here, "position").value_or(region.mappings.size());
            if (m.dimm.empty()) wrong(here, "the key \"dimm\" is missing", "the name of a module");
            region.mappings.push_back(std::move(m));
        });
        region.badblocks = badblocks(value, path);
        region.badblock_count = number(value, path, "badblock_count").value_or(0);
        list.regions.push_back(std::move(region));
    }

    void read_namespace(const Value& value, const Path& path) {
        Namespace ns = entry<Namespace>(value, path);
        const std::string_view digits = std::string_view(ns.dev).substr(9);
        const auto [dot, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), ns.region);
        const char* const end = digits.data() + digits.size();
        const bool good = error == std::errc{} && dot != end && *dot == '.' &&
                          std::from_chars(dot + 1, end, ns.number).ptr == end && dot + 1 != end;
        if (!good || ns.region > 99999 || ns.number > 99999) {
            wrong(at(path, *value.find("dev")), in_quotes(ns.dev) + " is no name of a namespace",
                  "namespaceR.N, as in \"namespace0.0\"");
            return;
        }
        ns.mode = text(value, path, "mode");
        ns.map = text(value, path, "map");
        ns.size = needed(value, path, "size");
        ns.align = number(value, path, "align").value_or(ns.align);
        ns.sector_size = number(value, path, "sector_size").value_or(ns.sector_size);
        ns.device = text(value, path, "blockdev");
        if (ns.device.empty()) ns.device = text(value, path, "chardev");
        if (const Value* dax = value.find("daxregion"); dax != nullptr && dax->is(Type::object)) {
            const Path here = at(path, *dax);
            if (value.find("align") == nullptr)
                ns.align = number(*dax, here, "align").value_or(ns.align);
        }
        ns.disabled = text(value, path, "state") == "disabled";
        ns.badblocks = badblocks(value, path);
        ns.badblock_count = number(value, path, "badblock_count").value_or(0);
        list.namespaces.push_back(std::move(ns));
    }

    Findings& findings_;
};

}  // namespace

List read_list(const Document& document, Findings& findings) {
    Reader reader(findings);
    reader.read(document.root, Path{nullptr, &document.root});
    return std::move(reader.list);
}

}  // namespace mcemu::scenario::ndctl
