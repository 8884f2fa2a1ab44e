// The page and its tables against hostile names.
#include <catch2/catch.hpp>

#include "report/formats.hpp"
#include "report/markup.hpp"
#include "trace_text.hpp"

using namespace mcemu;
using namespace mcemu::report;
using namespace mcemu::test;
using Catch::Contains;

namespace {

// As a JSON string in the trace.
constexpr const char* kEvil = R"(</script><img src=x onerror=alert(1)>\" 'a' & {{=cmd|x}} <!-- \u202e)";

Figures evil() {
    const std::string name = kEvil;
    Figures figures;
    const std::string log = "\"t_ps\":6,\"cause\":2,\"origin\":\"" + name +
                            "\",\"module\":\"kernel\",\"kind\":\"log_line\",\"line\":0,\"text\":\"" + name + "\"";
    figures.add("=" + std::string("<b>label</b>"), "<i>file</i>.ndjson",
                read(trace_text({event(0, 0, name), signal(5, 1, name, "delivered", name), log}, 0, name)));
    figures.finish();
    return figures;
}

std::size_t count(const std::string& text, const std::string& what) {
    std::size_t n = 0;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
    return n;
}

}  // namespace

TEST_CASE("no name becomes markup in the page", "[report]") {
    Figures figures = evil();
    const std::string page = to_html(figures, "<u>title</u>", 1 << 20);
    CHECK_THAT(page, !Contains("<img"));
    CHECK_THAT(page, !Contains("<i>file"));
    CHECK_THAT(page, !Contains("<b>label"));
    CHECK_THAT(page, !Contains("<u>title"));
    CHECK_THAT(page, !Contains("<!--"));
    CHECK_THAT(page, Contains("&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;"));
    CHECK(count(page, "<script") == count(page, "</script>"));
    // One for the policy's script, two data blocks for the run and one for the figures; none without.
    CHECK(count(page, "<script") == (has_script() ? 4 : 0));
    CHECK_THAT(page, Contains("default-src 'none'"));
    CHECK_THAT(page, Contains(has_script() ? "script-src 'sha256-" : "script-src 'none'"));
    CHECK_THAT(page, !Contains("http://") && !Contains("https://"));
    CHECK_THAT(page, Contains(has_script() ? "it needs no network" : "built without npm"));
}

TEST_CASE("no name becomes markup in Markdown or a formula in CSV", "[report]") {
    const Figures figures = evil();
    const std::string md = to_markdown(figures.document(false));
    CHECK_THAT(md, !Contains("<img") && !Contains("</script"));
    const std::string csv = to_csv(figures.document(false));
    CHECK_THAT(csv, !Contains("\n=") && !Contains(",=") && !Contains("\"="));
    for (const char* line_end : {"\r\n"}) CHECK_THAT(csv, Contains(line_end));
}

TEST_CASE("text is escaped for HTML and for scripts", "[report]") {
    CHECK(escape("a<b>&\"'\x01") == "a&lt;b&gt;&amp;&quot;&#39;\xef\xbf\xbd");
    CHECK(script_safe("\"</script>&\xe2\x80\xa8\"") == "\"\\u003c/script\\u003e\\u0026\\u2028\"");
    CHECK(base64("") == "");
    CHECK(base64("f") == "Zg==");
    CHECK(base64("fo") == "Zm8=");
    CHECK(base64("foobar") == "Zm9vYmFy");
    CHECK(coordinate(-1.005) == "-1");
    CHECK(coordinate(2.5) == "2.5");
    CHECK(coordinate(3.14159) == "3.14");
}

TEST_CASE("the page's data stay within their budget", "[report]") {
    std::vector<std::string> records;
    std::uint64_t at = 0, x = 88172645463325252ull;  // times that do not compress
    for (std::uint32_t i = 0; i < 3000; ++i) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        at += x % 1'000'000'000;
        records.push_back(event(at, 0, "event-" + std::to_string(i * 7919 % 50)));
    }
    Figures figures;
    figures.add("", "t.ndjson", read(trace_text(records), {}, 100000));
    figures.finish();
    const std::string page = to_html(figures, "", 12000);
    const auto begin = page.find("<script type=\"application/json\" id=\"head-0\"");
    if (has_script()) {
        REQUIRE(begin != std::string::npos);
        CHECK(figures.runs()[0].trace->timeline.one_in() > 1);
        CHECK_THAT(page, Contains("one chain of causes in"));
    }
    CHECK_THAT(page, Contains("3000 trace records"));
}

TEST_CASE("the same input gives the same page", "[report]") {
    Figures a = evil(), b = evil();
    CHECK(to_html(a, "", 1 << 20) == to_html(b, "", 1 << 20));
}
