// mcemu completion: what a shell needs to complete mcemu's command lines.
#include <utility>
#include <string>
#include <vector>

#include "command_table.hpp"
#include "options.hpp"
#include "output/atomic_file.hpp"

namespace mcemu::cli {
namespace {

/// The words that an option's value can be; empty with `files`: any file, else nothing is known.
struct Values {
    std::vector<std::string> words;
    bool files = false;
};
Values values_of(const OptionInfo& option) {
    if (option.value == "WHEN") return {{"auto", "always", "never"}};
    if (option.name == "profile") return {{"v4.18", "v4.19", "v6.1"}};
    if (option.value.find('|') != std::string::npos) {
        Values values;
        std::string word;
        for (const char c : option.value + "|") {
            if (c != '|') word += c;
            else values.words.push_back(std::exchange(word, {}));
        }
        return values;
    }
    for (const char* place : {"FILE", "OUT", "DB", "DIR", "PATH"})
        if (option.value.find(place) != std::string::npos) return {{}, true};
    return {};
}

std::string joined(const std::vector<std::string>& words) {
    std::string all;
    for (const std::string& word : words) all += (all.empty() ? "" : " ") + word;
    return all;
}

std::vector<std::string> option_words(const CommandInfo& command) {
    std::vector<std::string> words;
    for (const OptionInfo& o : command.options) {
        words.push_back("--" + o.name);
        if (!o.short_name.empty()) words.push_back("-" + o.short_name);
    }
    words.insert(words.end(), {"--help", "-h"});
    return words;
}

/// "campaign plan" is a command of two words.
bool is_action(const CommandInfo& command) { return command.name.find(' ') != std::string::npos; }

std::vector<std::string> command_words(const std::vector<CommandInfo>& all) {
    std::vector<std::string> words;
    for (const CommandInfo& c : all)
        if (!is_action(c)) words.push_back(c.name);
    return words;
}

// ---------------------------------------------------------------- bash

std::string bash_command(const CommandInfo& command) {
    std::string text = "        '" + command.name + "')\n            case \"$prev\" in\n";
    for (const OptionInfo& o : command.options) {
        if (o.value.empty()) continue;
        const Values values = values_of(o);
        text += "                --" + o.name + (o.short_name.empty() ? "" : "|-" + o.short_name) + ") ";
        text += values.files           ? "_mcemu_files; "
                : values.words.empty() ? ""
                                       : "_mcemu_words '" + joined(values.words) + "'; ";
        text += "return ;;\n";
    }
    text += "            esac\n            if [[ $cur == -* ]]; then\n                _mcemu_words '" +
            joined(option_words(command)) + "'\n";
    if (!command.words.empty())
        text += "            elif (( places == 0 )); then\n                _mcemu_words '" +
                joined(command.words) + "'\n";
    if (command.files || is_action(command)) text += "            else\n                _mcemu_files\n";
    return text + "            fi ;;\n";
}

std::string bash(const std::vector<CommandInfo>& all) {
    std::string text =
        "# mcemu completion bash: source it, or put it into a folder of bash-completion.\n"
        "_mcemu_words() { mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$cur\"); }\n"
        "_mcemu_files() { compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); }\n"
        "_mcemu() {\n"
        "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command='' word i places=0\n"
        "    COMPREPLY=()\n"
        "    for (( i = 1; i < COMP_CWORD; i++ )); do\n"
        "        word=${COMP_WORDS[i]}\n"
        "        if [[ -z $command ]]; then\n"
        "            [[ $word == -* ]] || command=$word\n"
        "        elif [[ $word != -* ]]; then\n"
        "            (( places++ ))\n"
        "            case \"$command $word\" in\n";
    for (const CommandInfo& c : all)
        if (is_action(c)) text += "                '" + c.name + "') command='" + c.name + "'; places=0 ;;\n";
    text +=
        "            esac\n"
        "        fi\n"
        "    done\n"
        "    case \"$command\" in\n"
        "        '') _mcemu_words '" +
        joined(command_words(all)) + " --help --version' ;;\n";
    for (const CommandInfo& c : all) text += bash_command(c);
    return text + "    esac\n}\ncomplete -F _mcemu mcemu\n";
}

// ---------------------------------------------------------------- zsh

/// Inside single quotes, in a specification of _arguments.
std::string zsh_quoted(const std::string& text) {
    std::string out;
    for (const char c : text) {
        if (c == '\'') out += "'\\''";
        else if (c == '\n') out += ' ';
        else if (c == '[' || c == ']' || c == ':' || c == '\\') out += std::string("\\") + c;
        else out += c;
    }
    return out;
}

std::string zsh_action(const Values& values) {
    if (values.files) return "_files";
    return values.words.empty() ? " " : "(" + joined(values.words) + ")";
}

std::string zsh_command(const CommandInfo& command) {
    std::string text = "        '" + command.name + "')\n            _arguments -s \\\n";
    for (const OptionInfo& o : command.options) {
        const std::string value =
            o.value.empty() ? "" : ":" + zsh_quoted(o.value) + ":" + zsh_action(values_of(o));
        const std::string names[] = {"--" + o.name + (o.value.empty() ? "" : "="),
                                     o.short_name.empty() ? "" : "-" + o.short_name};
        for (const std::string& name : names)
            if (!name.empty())
                text += std::string("                '") + (o.several ? "*" : "") + name + "[" +
                        zsh_quoted(o.what) + "]" + value + "' \\\n";
    }
    text += "                '(- *)'{-h,--help}'[show the help text]'";
    if (!command.words.empty()) text += " \\\n                '1:word:(" + joined(command.words) + ")'";
    if (command.files || is_action(command)) text += " \\\n                '*:file:_files'";
    return text + " ;;\n";
}

std::string zsh(const std::vector<CommandInfo>& all) {
    std::string text =
        "#compdef mcemu\n"
        "# mcemu completion zsh: put it into a folder of $fpath as _mcemu.\n"
        "_mcemu() {\n"
        "    local command=${words[2]} action=${words[3]}\n"
        "    if (( CURRENT == 2 )); then\n"
        "        local -a commands=(\n";
    for (const CommandInfo& c : all)
        if (!is_action(c))
            text += "            '" + c.name + ":" + zsh_quoted(c.summary) + "'\n";
    text +=
        "        )\n"
        "        _describe -t commands 'mcemu command' commands\n"
        "        _arguments '--help[show the help text]' '--version[show the versions]'\n"
        "        return\n"
        "    fi\n"
        "    shift words\n"
        "    (( CURRENT-- ))\n"
        "    case \"$command $action\" in\n";
    for (const CommandInfo& c : all)
        if (is_action(c))
            text += "        '" + c.name + "') (( CURRENT > 2 )) && { command='" + c.name +
                    "'; shift words; (( CURRENT-- )) } ;;\n";
    text += "    esac\n    case \"$command\" in\n";
    for (const CommandInfo& c : all) text += zsh_command(c);
    return text + "    esac\n}\nif [[ $funcstack[1] == _mcemu ]]; then _mcemu \"$@\"; else compdef _mcemu mcemu; fi\n";
}

// ---------------------------------------------------------------- fish

std::string fish_quoted(const std::string& text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'' || c == '\\') out += '\\';
        out += c == '\n' ? ' ' : c;
    }
    return out + "'";
}

std::string fish(const std::vector<CommandInfo>& all) {
    std::string text =
        "# mcemu completion fish: put it into ~/.config/fish/completions/mcemu.fish.\n"
        "complete -c mcemu -e\n"
        "complete -c mcemu -f\n"
        "complete -c mcemu -n __fish_use_subcommand -l help -s h -d 'show the help text'\n"
        "complete -c mcemu -n __fish_use_subcommand -l version -d 'show the versions'\n";
    for (const CommandInfo& c : all) {
        std::string on = "complete -c mcemu -n '__fish_seen_subcommand_from " + c.name + "'";
        if (is_action(c)) {
            const std::size_t blank = c.name.find(' ');
            on = "complete -c mcemu -n '__fish_seen_subcommand_from " + c.name.substr(0, blank) +
                 "; and __fish_seen_subcommand_from " + c.name.substr(blank + 1) + "'";
        } else {
            text += "complete -c mcemu -n __fish_use_subcommand -a " + c.name + " -d " +
                    fish_quoted(c.summary) + "\n";
        }
        for (const OptionInfo& o : c.options) {
            text += on + " -l " + o.name;
            if (!o.short_name.empty()) text += " -s " + o.short_name;
            const Values values = values_of(o);
            if (!o.value.empty()) text += values.files ? " -r -F" : " -x";
            if (!values.words.empty()) text += " -a " + fish_quoted(joined(values.words));
            text += " -d " + fish_quoted(o.what) + "\n";
        }
        text += on + " -l help -s h -d 'show the help text'\n";
        if (!c.words.empty()) text += on + " -a " + fish_quoted(joined(c.words)) + "\n";
        if (c.files || is_action(c)) text += on + " -F\n";
    }
    return text;
}

}  // namespace

int cmd_completion(const Args& args) {
    namespace po = boost::program_options;
    CommandLine line{.usage = "completion bash|zsh|fish",
                     .what = "Prints what the shell needs to complete mcemu's commands, options and their values.\n"
                             "bash: source <(mcemu completion bash)"};
    line.hidden.add_options()("shell", po::value<std::string>());
    line.positional.add("shell", 1);
    const auto values = parse(line, args);
    if (!values) return kDone;
    const std::string shell = values->count("shell") ? (*values)["shell"].as<std::string>() : "";
    const auto make = shell == "bash" ? bash : shell == "zsh" ? zsh : shell == "fish" ? fish : nullptr;
    if (!make)
        throw UsageError((shell.empty() ? std::string("which shell?")
                                        : "there is no completion for '" + shell + "':") +
                         " bash, zsh and fish are known");
    output::write_file("-", make(describe_commands()));
    return kDone;
}

}  // namespace mcemu::cli
