#pragma once  // Rows of rasdaemon's tables, by column names.
#include <SQLiteCpp/SQLiteCpp.h>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "formats/scan.hpp"

namespace mcemu::exchange {

/// Something that is no fault of ours: the file's.
struct BadDatabase {
    std::string wrong, right;
};

/// A name of a table or column in SQL.
inline std::string in_quotes(const std::string& name) {
    std::string out = "\"";
    for (const char c : name) out += c == '"' ? std::string("\"\"") : std::string(1, c);
    return out + "\"";
}

/// The rows of a table with those of the columns that it has.
class RasdaemonRows {
public:
    RasdaemonRows(SQLite::Database& db, const std::string& table,
                  std::initializer_list<const char*> wanted) {
        std::set<std::string> there;
        SQLite::Statement info(db, "PRAGMA table_info(" + in_quotes(table) + ")");
        while (info.executeStep()) there.insert(info.getColumn(1).getString());
        std::string columns;
        for (const char* name : wanted) {
            if (!there.contains(name)) {
                missing_.push_back(name);
                continue;
            }
            index_[name] = static_cast<int>(index_.size());
            columns += (columns.empty() ? "" : ", ") + in_quotes(name);
        }
        if (index_.empty())
            throw BadDatabase{"the table " + table + " has none of rasdaemon's columns",
                              "a database of rasdaemon"};
        const std::string order = there.contains("id") ? "\"id\"" : "rowid";
        query_.emplace(db,
                       "SELECT " + columns + " FROM " + in_quotes(table) + " ORDER BY " + order);
    }
    bool next() { return query_->executeStep(); }
    bool has(const char* name) const {
        return index_.contains(name) && !query_->getColumn(index_.at(name)).isNull();
    }
    /// Masked to what the column means; texts that are numbers count, those with 0x as well.
    /// What is none is 0, and remembered.
    std::uint64_t number(const char* name) {
        if (!has(name)) return 0;
        const SQLite::Column column = query_->getColumn(index_.at(name));
        if (column.isText()) {
            const std::string text = column.getString();
            formats::Scan digits(text);
            digits.blanks();
            const bool minus = digits.literal("-");
            const auto value = digits.rest.starts_with("0x") ? digits.hex() : digits.decimal();
            digits.blanks();
            if (value && digits.done()) return minus ? std::uint64_t{0} - *value : *value;
            no_numbers_.push_back(name);
            return 0;
        }
        if (column.isBlob()) {
            no_numbers_.push_back(name);
            return 0;
        }
        return static_cast<std::uint64_t>(column.getInt64());
    }
    /// Columns of this row that should have been numbers.
    std::vector<std::string> take_no_numbers() { return std::exchange(no_numbers_, {}); }
    std::uint32_t number32(const char* name) { return static_cast<std::uint32_t>(number(name)); }
    std::string text(const char* name) const {
        constexpr std::size_t kLongest = 4096;
        if (!has(name)) return "";
        std::string out = query_->getColumn(index_.at(name)).getString().substr(0, kLongest);
        std::replace_if(
            out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; },
            ' ');
        return out;
    }
    const std::vector<std::string>& missing() const { return missing_; }

private:
    std::map<std::string, int> index_;
    std::vector<std::string> missing_, no_numbers_;
    std::optional<SQLite::Statement> query_;
};

}  // namespace mcemu::exchange
