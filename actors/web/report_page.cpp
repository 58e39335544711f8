#include "actors/web/report_page.h"

#include "actors/web/html_text.h"
#include "actors/web/report_json.h"
#include "actors/web/report_sections.h"
#include "actors/web/summary.h"
#include "actors/web/verdict_text.h"
#include "runtime/core/file.h"

namespace assay::web {
namespace {

constexpr const char* kStyle = R"css(
:root{color-scheme:light dark;--ink:#1c2024;--soft:#646c75;--line:#e2e4e1;--page:#fbfaf7;
--card:#ffffff;--base:#868d96;--after:#1668b0;--control:#b0630a;--good:#1d7440;--bad:#b3261e;
--mark:#e6eff8}
@media(prefers-color-scheme:dark){:root{--ink:#e6e8ea;--soft:#9aa3ad;--line:#30363c;--page:#131619;
--card:#1a1e22;--base:#9aa1aa;--after:#6fb1f2;--control:#e6a15a;--good:#63c585;--bad:#f28b82;
--mark:#1d2c3b}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);
font:16px/1.5 system-ui,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif}
main{max-width:1080px;margin:0 auto;padding:36px 24px 72px}
h1{font-size:14px;font-weight:600;color:var(--soft);margin:0 0 10px;overflow-wrap:anywhere}
.verdict{font-size:27px;line-height:1.32;font-weight:600;margin:0 0 14px;max-width:34em;
text-wrap:balance}
.more{font-size:17px;max-width:44em;margin:0 0 6px}
h2{font-size:19px;margin:52px 0 12px;padding-top:18px;border-top:1px solid var(--line)}
p{max-width:46em;margin:8px 0}
.note,.none{color:var(--soft);font-size:14px}
small{font-size:12px;color:var(--soft);font-weight:400;white-space:nowrap}
td small{white-space:normal}td.n small{white-space:nowrap;margin-left:6px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(220px,1fr));gap:12px;
margin:26px 0 0}
.tile{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:14px 16px}
.tile small{white-space:normal}
.name{font-size:13px;color:var(--soft)}
.value{font-size:25px;font-weight:600;font-variant-numeric:tabular-nums;margin:2px 0}
.to,.unit{font-weight:400;color:var(--soft);font-size:18px}
.row{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr));gap:20px 32px}
.small{grid-template-columns:repeat(auto-fit,minmax(min(100%,290px),1fr))}
figure{margin:8px 0;min-width:0}
figcaption{font-size:14px;font-weight:600;margin-bottom:4px}
svg{width:100%;max-width:540px;height:auto;display:block;overflow:visible}
svg text{font-family:inherit}
.grid{stroke:var(--line)}
.threshold{stroke:var(--bad);stroke-dasharray:3 3}
.tick{fill:var(--soft);font-size:11.5px;font-variant-numeric:tabular-nums}
.heading{fill:var(--ink);font-size:12.5px;font-weight:600}
.label{font-size:12.5px;font-weight:600}
text.value{fill:var(--ink);font-size:11.5px;font-weight:400}
.ring{fill:var(--card);stroke-width:2.5}
.bubble{fill:var(--after);fill-opacity:.45;stroke:var(--after);stroke-width:1}
table{border-collapse:collapse;font-size:14px;margin:10px 0;width:100%}
table.narrow{width:auto;min-width:300px}
th{font-weight:600;color:var(--soft);font-size:12.5px;vertical-align:bottom}
td,th{padding:6px 18px 6px 0;text-align:left;border-bottom:1px solid var(--line)}
td{vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
td.n{white-space:nowrap}
td.arrow{white-space:nowrap;width:64px}
.said{display:flex;flex-wrap:wrap;gap:0 24px}.said b{flex:0 1 270px;font-weight:inherit}
.said span{flex:1 1 240px}
td:first-child:not(.n):not(.arrow){min-width:110px}
table.facts td:first-child{white-space:nowrap;color:var(--soft)}
tr.here td{background:var(--mark);font-weight:600}
tr.here td:first-child{box-shadow:inset 3px 0 var(--after);padding-left:12px}
code{font:13px/1.45 ui-monospace,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere;
white-space:pre-wrap}
details{margin:10px 0}
summary{cursor:pointer;color:var(--soft);font-size:14px}
.scroll{overflow-x:auto}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,310px),1fr));gap:12px;
margin:14px 0}
.card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px 14px;
min-width:0;font-size:14px;break-inside:avoid}
.card .name{margin-bottom:3px}
.task{font-weight:600;margin-bottom:6px}.task small{margin:0 4px}
.side{border-top:1px solid var(--line);padding-top:6px;margin-top:8px}
.judged{font-size:13px;margin:3px 0 4px;overflow-wrap:anywhere}
.card>small{white-space:normal}.card small code{font-size:11.5px}
circle.mark{fill:none;stroke:var(--bad);stroke-width:2}
text.mark{fill:var(--bad);font-size:11px;font-weight:600}
.good{color:var(--good);font-weight:600}
.bad{color:var(--bad);font-weight:600}
.open{color:var(--control);font-weight:600}
@media(max-width:600px){main{padding:22px 16px 48px}.verdict{font-size:22px}.more{font-size:16px}
h2{margin-top:38px}td,th{padding-right:14px}.tiles{grid-template-columns:1fr 1fr}
.value{font-size:20px}.to,.unit{font-size:15px}.tile{padding:10px 12px}}
@media print{body{background:none}main{padding:0;max-width:none}
details::details-content{content-visibility:visible;block-size:auto}
summary{list-style:none}h2{break-after:avoid}figure,tr{break-inside:avoid}section{break-inside:auto}
.scroll{overflow:visible}}
)css";

std::string section(const char* title, const std::string& body) {
  return std::string("<section><h2>") + title + "</h2>" + body + "</section>\n";
}

// A per-cent sign stays on the line of its number.
std::string unbroken(std::string text) {
  for (std::size_t place = text.find(" %"); place != std::string::npos;
       place = text.find(" %", place)) {
    text.replace(place, 1, "&nbsp;");
  }
  return text;
}

std::string opening(const ReportInput& input) {
  const std::vector<std::string> sentences = verdict_sentences(input);
  std::string body = "<h1>assay · " + escape(input.run) + "</h1><p class=verdict>" +
                     unbroken(escape(sentences.front())) + "</p>";
  for (std::size_t i = 1; i < sentences.size(); ++i) {
    body += "<p class=more>" + unbroken(escape(sentences[i])) + "</p>";
  }
  return body + key_figures(input);
}

}  // namespace

std::string verdict_sentence(const ReportInput& input) {
  std::string text;
  for (const std::string& sentence : verdict_sentences(input)) {
    if (!text.empty()) text += ' ';
    text += sentence;
  }
  return text;
}

std::string report_page(const ReportInput& input) {
  std::string page =
      "<!doctype html>\n<html lang=en><head><meta charset=utf-8>"
      "<meta name=viewport content=\"width=device-width,initial-scale=1\">"
      "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src "
      "'unsafe-inline'; base-uri 'none'; form-action 'none'\">";
  page += "<title>" + escape(input.run) + " · assay</title><style>" + kStyle +
          "</style></head><body><main>\n";
  page += opening(input);
  page += section("One try, many tries", pass_section(input));
  page += section("Compression or capability", gain_section(input));
  page += section("How to read the change", reading_section(input));
  page += section("Learning", learning_section(input));
  page += section("Was it the verifier?", control_section(input));
  page += section("Health", health_section(input));
  page += section("Staleness", staleness_section(input));
  page += section("Where the time went", time_section(input));
  page += section("What became of each prompt", shift_section(input));
  page += section("The same prompts, before and after", compared_section(input));
  page += section("Verdicts", verdict_section(input));
  page += section("Verdicts to check by hand", rollouts_section(input));
  page += section("Every group accounted for", accounting_section(input));
  page += section("Where the numbers come from", provenance_section(input));
  return page + "</main></body></html>\n";
}

Result<void> write_report(const ReportInput& input, const std::string& folder) {
  if (auto made = make_folders(folder); !made) return made.error();
  const std::pair<const char*, std::string> files[] = {
      {"/report_input.json", report_input_to_json(input)},
      {"/summary.json", summary_json(input)},
      {"/index.html", report_page(input)}};
  for (const auto& [name, content] : files) {
    if (auto written = write_file_durably(folder + name, content); !written) {
      return written.error();
    }
  }
  return {};
}

}  // namespace assay::web
