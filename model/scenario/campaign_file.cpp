#include "scenario/campaign_file.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

#include "scenario/campaign_reader.hpp"

namespace mcemu::scenario {

double real_of(const Value& v) {
    if (v.is(Value::Type::whole)) return static_cast<double>(v.whole);
    if (v.is(Value::Type::negative)) return static_cast<double>(v.negative);
    return v.is(Value::Type::real) ? v.real : 0;
}

void CampaignReader::read() {
    const Cursor root(kCampaignShape, Path{nullptr, &document_.root});
    campaign_.name = root.text("name");
    campaign_.description = root.text("description");
    read_scenario(root);
    campaign_.seed = root.number("seed");
    campaign_.common = root.truth("common");
    read_settings(root, "set", campaign_.set);
    read_variants(root);
    root.each("sweep", [&](const Cursor& sweep, std::size_t) { read_sweep(sweep); });
    root.each("draw", [&](const Cursor& draw, std::size_t) { read_draw(draw); });
    check_places();
    read_measures(root);
    read_classes(root);
    read_numbers(root);
    read_runs(root);
}

void CampaignReader::add(const Path& at, std::string wrong, std::string right) {
    findings_.add(at, {std::move(wrong), std::move(right)});
}

Place CampaignReader::place(const Path& path) const {
    const auto position = document_.position(path.value->source, path.value->offset);
    return {position.line, position.column, path.pointer()};
}

void CampaignReader::read_scenario(const Cursor& root) {
    namespace fs = std::filesystem;
    const std::string_view name = root.text("scenario");
    campaign_.scenario_place = place(root.at("scenario"));
    const fs::path folder = document_.source(document_.root.source).folder;
    campaign_.scenario = name == "-" ? "-" : (folder / fs::path(name)).lexically_normal().string();
    if (name == "-")
        add(root.at("scenario"), "a campaign cannot read its scenario from standard input",
            "write the path of a file");
}

std::string CampaignReader::pointer_of(const Path& at, std::string_view of) {
    if (of.empty()) return {};
    if (of[0] == '/') {
        for (std::size_t i = 0; i < of.size(); ++i) {
            if (of[i] == '~' && (i + 1 == of.size() || (of[i + 1] != '0' && of[i + 1] != '1')))
                add(at, in_quotes(of) + " is no JSON pointer", "after ~ comes 0 (~) or 1 (/)");
        }
        static constexpr std::string_view kNotThese[] = {"/schema", "/name", "/seed", "/matrix",
                                                         "/include"};
        for (const std::string_view not_this : kNotThese) {
            if (of == not_this)
                add(at, in_quotes(of) + " cannot be changed by a campaign",
                    of == "/seed" ? "every run has a seed of its own, from the campaign's"
                                  : "change the scenario");
        }
        return std::string(of);
    }
    std::string pointer = "/params/";
    for (const char c : of) pointer += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
    return pointer;
}

std::string CampaignReader::last_step(std::string_view pointer) {
    return std::string(pointer.substr(pointer.rfind('/') + 1));
}

void CampaignReader::read_settings(const Cursor& cursor, std::string_view key,
                                   std::vector<Setting>& out) {
    const Value* table = cursor.find(key);
    if (table == nullptr || !table->is(Value::Type::object)) return;
    const Path at = cursor.at(key);
    for (const Value& member : table->children()) {
        const Path here{&at, &member, member.key};
        out.push_back({pointer_of(here, member.key), to_json(member), place(here)});
    }
}

void CampaignReader::read_variants(const Cursor& root) {
    Registry names("variant", "variants");
    root.each("variants", [&](const Cursor& variant, std::size_t) {
        CampaignVariant v{std::string(variant.text("name")), {}, place(variant.path())};
        names.add(findings_, variant.at("name"), variant.text("name"));
        read_settings(variant, "set", v.set);
        campaign_.variants.push_back(std::move(v));
    });
    if (campaign_.variants.empty()) campaign_.variants.emplace_back();
}

void CampaignReader::check_places() {
    std::set<std::string> taken, names;
    const auto claim = [&](const std::string& pointer, const Place& at) {
        if (pointer.empty() || taken.insert(pointer).second) return;
        late_.push_back(
            campaign_.at(at, in_quotes(pointer) + " is changed twice", "change each place once"));
    };
    const auto name = [&](const std::string& text, const Place& at) {
        if (names.insert(text).second) return;
        late_.push_back(campaign_.at(at, "the name " + in_quotes(text) + " is taken",
                                     "give it a \"name\" of its own"));
    };
    for (const Setting& s : campaign_.set) claim(s.pointer, s.place);
    for (const CampaignSweep& s : campaign_.sweeps) {
        if (s.places.empty()) continue;
        claim(s.pointer, s.places.front());
        name(s.name, s.places.front());
    }
    for (const CampaignDraw& d : campaign_.draws) {
        claim(d.pointer, d.place);
        name(d.name, d.place);
    }
    for (const CampaignVariant& v : campaign_.variants) {
        for (const Setting& s : v.set) {
            bool clash = false;
            for (const CampaignSweep& sweep : campaign_.sweeps)
                clash = clash || sweep.pointer == s.pointer;
            for (const CampaignDraw& draw : campaign_.draws)
                clash = clash || draw.pointer == s.pointer;
            if (clash)
                late_.push_back(campaign_.at(s.place,
                                             in_quotes(s.pointer) + " is swept or drawn as well",
                                             "change each place once"));
        }
    }
}

void CampaignReader::read_measures(const Cursor& root) {
    Registry names("measure", "measures");
    root.each("measures", [&](const Cursor& cursor, std::size_t) {
        CampaignMeasure m;
        m.from = cursor.text("from");
        m.to = cursor.text("to");
        m.name = cursor.given("name") ? std::string(cursor.text("name")) : m.from + " to " + m.to;
        if (cursor.given("deadline")) m.deadline = cursor.time("deadline");
        m.place = place(cursor.path());
        campaign_.measures.push_back(std::move(m));
        names.add(findings_, cursor.at("name"), document_.keep(campaign_.measures.back().name));
    });
}

void CampaignReader::read_classes(const Cursor& root) {
    Registry names("class", "classes");
    root.each("classes", [&](const Cursor& cursor, std::size_t) {
        names.add(findings_, cursor.at("name"), cursor.text("name"));
        const Value* when = cursor.find("when");
        if (when == nullptr) return;
        if (when->is(Value::Type::object) && when->count == 0)
            add(cursor.at("when"), "every run would fit", "say what must be met");
        campaign_.classes.push_back(
            {std::string(cursor.text("name")), to_json(*when), place(cursor.at("when"))});
    });
}

void CampaignReader::check_result_pointer(const Path& at, std::string_view of) {
    std::vector<const Shape*> here = {&kResultShape};  // what may stand there
    for (std::size_t begin = 1; begin <= of.size();) {
        const std::size_t end = std::min(of.find('/', begin), of.size());
        const std::string_view step = of.substr(begin, end - begin);
        std::vector<const Shape*> next;
        std::vector<std::string_view> names;
        for (std::size_t i = 0; i < here.size(); ++i) {
            const Shape& shape = *here[i];
            const bool index = !step.empty() && step.find_first_not_of("0123456789") == step.npos;
            if (shape.kind == Shape::Kind::any_of) {
                here.insert(here.end(), shape.forms.begin(), shape.forms.end());
            } else if (shape.kind == Shape::Kind::object) {
                for (const Field& f : shape.fields) names.push_back(f.name);
                if (const Field* f = find_field(shape.fields, step)) next.push_back(f->shape);
                for (const Case& c : shape.cases)
                    if (const Field* f = find_field(c.fields, step)) next.push_back(f->shape);
            } else if (shape.kind == Shape::Kind::table ||
                       (shape.kind == Shape::Kind::list && index)) {
                next.push_back(shape.item);
            } else if (shape.kind == Shape::Kind::tuple && index) {
                next.insert(next.end(), shape.forms.begin(), shape.forms.end());
            } else if (shape.kind == Shape::Kind::anything) {
                return;
            }
        }
        if (next.empty()) {
            add(at,
                "results have no " + in_quotes(step) +
                    (begin > 1 ? " in " + std::string(of.substr(0, begin - 1)) : ""),
                did_you_mean(step, names, "see `mcemu schema result`"));
            return;
        }
        here = std::move(next);
        begin = end + 1;
    }
}

void CampaignReader::read_numbers(const Cursor& root) {
    Registry names("number", "numbers");
    root.each("numbers", [&](const Cursor& cursor, std::size_t) {
        const std::string_view of = cursor.text("of");
        std::string name = cursor.given("name") ? std::string(cursor.text("name")) : last_step(of);
        if (of.empty() || of[0] != '/')
            add(cursor.at("of"), in_quotes(of) + " is no JSON pointer",
                "write /a/b, as in /counters/cmci");
        else
            check_result_pointer(cursor.at("of"), of);
        names.add(findings_, cursor.path(), document_.keep(name));
        campaign_.numbers.push_back({std::move(name), std::string(of), place(cursor.at("of"))});
    });
}

void CampaignReader::read_runs(const Cursor& root) {
    if (const Value* v = root.find("confidence")) {
        campaign_.confidence = real_of(*v);
        if (!(campaign_.confidence > 0.5 && campaign_.confidence < 1))
            add(root.at("confidence"), "the confidence is not between 0.5 and 1",
                "write 0.95, or 0.99");
    }
    if (root.given("runs")) {
        campaign_.runs = root.number("runs");
        if (campaign_.runs == 0) add(root.at("runs"), "no runs are asked for", "write 1 or more");
        if (campaign_.runs > 1'000'000'000)
            add(root.at("runs"), "so many runs end after years", "write at most 1000000000");
    }
    const auto stop = root.object("stop");
    if (!stop) return;
    if (root.given("runs"))
        add(root.at("runs"), "\"stop\" says how many runs there are",
            "take \"runs\" away, or say \"at_most\" in \"stop\"");
    CampaignStop s;
    s.of_class = stop->text("class");
    s.of_measure = stop->text("measure");
    s.place = place(stop->path());
    if (s.of_class.empty() == s.of_measure.empty())
        add(stop->path(), "it does not say what must be known", "give \"class\" or \"measure\"");
    if (const Value* v = stop->find("quantile")) {
        s.quantile = real_of(*v);
        if (!(s.quantile > 0 && s.quantile < 1))
            add(stop->at("quantile"), "the quantile is not between 0 and 1", "write 0.5, or 0.99");
    }
    if (const Value* v = stop->find("within")) {
        s.within = real_of(*v);
        if (!(s.within > 0 && s.within < 1))
            add(stop->at("within"), "the width is not between 0 and 1", "write 0.01, or 0.1");
    }
    s.at_least = stop->given("at_least") ? stop->number("at_least") : s.at_least;
    s.at_most = stop->given("at_most") ? stop->number("at_most") : std::max(s.at_most, s.at_least);
    if (s.at_least == 0) add(stop->at("at_least"), "no runs are asked for", "write 1 or more");
    if (s.at_most < s.at_least)
        add(stop->at("at_most"), "\"at_most\" is below \"at_least\"", "exchange them");
    campaign_.runs = s.at_most;
    campaign_.stop = std::move(s);
}

nlohmann::json quantity_json(CampaignDraw::Unit unit, std::uint64_t count) {
    switch (unit) {
        case CampaignDraw::Unit::time:
            return time_text(SimTime{count});
        case CampaignDraw::Unit::size:
            return size_text(count);
        case CampaignDraw::Unit::address:
            return hex_text(count);
        case CampaignDraw::Unit::whole:
        case CampaignDraw::Unit::real:
            break;
    }
    return count;
}

CampaignResult read_campaign(std::string name, std::string text) {
    const std::string folder =
        name == "<stdin>" ? "" : std::filesystem::path(name).parent_path().string();
    Document document;
    Findings findings;
    CampaignResult out;
    Campaign campaign;
    campaign.file = name;
    const std::uint16_t source = document.add_source({std::move(name), std::move(text), folder});
    std::vector<Finding> late;
    if (const auto root = parse(document, source, findings)) {
        document.root = *root;
        mcemu::scenario::read(document, kCampaignShape, document.root, findings);
        if (findings.empty()) {
            CampaignReader reader(document, findings, campaign);
            reader.read();
            late = std::move(reader.late_);
        }
    }
    out.findings = findings.finish(document);
    out.findings.insert(out.findings.end(), late.begin(), late.end());
    if (out.findings.empty()) out.campaign = std::move(campaign);
    return out;
}

}  // namespace mcemu::scenario
