#include "scenario/matrix.hpp"

#include <algorithm>

#include "scenario/reader.hpp"

namespace mcemu::scenario {
namespace {

std::string word(const nlohmann::json& value) {
    if (value.is_string()) return value.get<std::string>();
    return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& w : words) out += (out.empty() ? "" : ", ") + in_quotes(w);
    return out;
}

}  // namespace

std::uint64_t Matrix::cells() const {
    std::uint64_t count = 1;
    for (const Axis& axis : axes) {
        if (axis.values.size() > kMostCells / count) return kMostCells + 1;
        count *= axis.values.size();
    }
    return count;
}

Params Matrix::cell(std::uint64_t number) const {
    Params params(axes.size());
    for (std::size_t i = axes.size(); i-- > 0;) {
        const std::size_t size = axes[i].values.size();
        params[i] = {axes[i].name, axes[i].values[number % size]};
        number /= size;
    }
    return params;
}

Matrix matrix_of(const Value& root) {
    Matrix out;
    const Value* matrix = root.find("matrix");
    if (matrix == nullptr || !matrix->is(Value::Type::object)) return out;
    for (const Value& member : matrix->children()) {
        if (!member.is(Value::Type::array) || member.count == 0) return {};
        Matrix::Axis axis{std::string(member.key), {}};
        for (const Value& value : member.children()) axis.values.push_back(to_json(value));
        out.axes.push_back(std::move(axis));
    }
    return out;
}

std::vector<std::string> cell_words(const Params& cell) {
    std::vector<std::string> words;
    for (const auto& [name, value] : cell) words.push_back(name + "=" + word(value));
    return words;
}

std::optional<Params> pick_cell(Document& document, std::span<const std::string> words,
                                Findings& findings) {
    const Matrix matrix = matrix_of(document.root);
    std::vector<std::string_view> names;
    for (const Matrix::Axis& axis : matrix.axes) names.push_back(axis.name);
    std::vector<std::optional<nlohmann::json>> picked(names.size());
    bool good = true;
    for (std::size_t i = 0; i < words.size(); ++i) {
        Source option{"--matrix " + std::to_string(i + 1), words[i], "", false};
        const std::uint16_t source = document.add_source(std::move(option));
        const auto complain = [&](std::string pointer, Problem problem) {
            findings.add_at(source, 0, std::move(pointer), std::move(problem));
            good = false;
        };
        const std::string& text = words[i];
        const std::string name = text.substr(0, text.find('='));
        if (name.size() == text.size()) {
            complain("", {in_quotes(text) + " has no \"=\"", "write name=value"});
            continue;
        }
        const auto at = std::find(names.begin(), names.end(), name);
        if (at == names.end()) {
            complain("/matrix", {"there is no " + in_quotes(name) + " in the matrix",
                                 did_you_mean(name, names, names.empty() ? "it has no matrix"
                                                                         : "there is " + listed(names))});
            continue;
        }
        const std::size_t index = static_cast<std::size_t>(at - names.begin());
        const std::string wanted = text.substr(name.size() + 1);
        const auto& values = matrix.axes[index].values;
        const auto value = std::find_if(values.begin(), values.end(),
                                        [&](const auto& v) { return word(v) == wanted; });
        if (picked[index]) {
            complain("/matrix/" + name, {in_quotes(name) + " is given twice", "give it once"});
        } else if (value == values.end()) {
            std::vector<std::string> known;
            for (const auto& v : values) known.push_back(word(v));
            if (known.size() > 8) known.resize(8);
            complain("/matrix/" + name,
                     {in_quotes(wanted) + " is none of the values of " + in_quotes(name),
                      "there is " + joined(known) + (values.size() > 8 ? " ..." : "")});
        } else {
            picked[index] = *value;
        }
    }
    Params cell;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (picked[i]) {
            cell.emplace_back(names[i], *picked[i]);
        } else if (good) {
            findings.add_at(document.root.source, document.root.offset, "/matrix/" + std::string(names[i]),
                            {"--matrix picks no " + in_quotes(names[i]),
                             "add --matrix " + cell_words(matrix.cell(0))[i]});
            good = false;
        }
    }
    if (!good) return std::nullopt;
    return cell;
}

}  // namespace mcemu::scenario
