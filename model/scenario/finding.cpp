#include "scenario/finding.hpp"

#include <nlohmann/json.hpp>
#include <string_view>

namespace mcemu::scenario {
namespace {

/// Keys come from the file: no control characters on the terminal, no second line.
std::string printable(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
        out += control ? '?' : c;
    }
    return out;
}

/// A file name as the path of a URI: what RFC 3986 does not allow there is percent-encoded.
std::string uri(std::string_view path) {
    constexpr std::string_view kPlain =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
    constexpr char kHex[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : path) {
        if (kPlain.find(c) != std::string_view::npos) {
            out += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out += '%';
            out += kHex[byte >> 4];
            out += kHex[byte & 0xf];
        }
    }
    return out;
}

}  // namespace

std::string to_text(const Finding& finding) {
    std::string text = printable(finding.source);
    if (finding.line != 0)
        text += ':' + std::to_string(finding.line) + ':' + std::to_string(finding.column);
    text += ": " + (finding.pointer.empty() ? "/" : printable(finding.pointer));
    text += ": " + printable(finding.wrong) + ": " + printable(finding.right);
    return text;
}

std::string to_sarif(std::span<const Finding> findings, const std::string& version) {
    using Json = nlohmann::ordered_json;
    Json results = Json::array();
    for (const Finding& f : findings) {
        Json physical = {{"artifactLocation", {{"uri", uri(f.source)}}}};
        if (f.line != 0)
            physical["region"] = {{"startLine", f.line}, {"startColumn", f.column}};
        results.push_back(
            {{"ruleId", "scenario"},
             {"level", "error"},
             {"message", {{"text", f.wrong + ": " + f.right}}},
             {"locations",
              {{{"physicalLocation", std::move(physical)},
                {"logicalLocations",
                 {{{"fullyQualifiedName", f.pointer.empty() ? "/" : f.pointer}}}}}}}});
    }
    const Json log = {
        {"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
        {"version", "2.1.0"},
        {"runs",
         {{{"tool",
            {{"driver",
              {{"name", "mcemu"},
               {"version", version},
               {"rules",
                {{{"id", "scenario"},
                  {"shortDescription", {{"text", "The scenario cannot be run as written"}}}}}}}}}},
           {"columnKind", "unicodeCodePoints"},
           {"results", std::move(results)}}}}};
    return log.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace mcemu::scenario
