#pragma once  // The database of rasdaemon as an open log.
#include <string>

#include "formats/field_log.hpp"

namespace mcemu::exchange {

struct RasdaemonRead {
    formats::FieldLog log;          ///< rows as records and entries; a row's number is its line
    std::vector<std::string> lost;  ///< tables and columns that are about something else
    std::string wrong, right;       ///< why there is no log; empty: it is good
};

/// Reads a SQLite database from its bytes, by column names: schemas of rasdaemon 0.6 and 0.8 alike,
/// tables mce_record, mc_event, memory_failure_event and extlog_event. Rows in order of time; rows
/// of one second 10 ms apart, except machine checks that the time-stamp counter puts together.
/// Never throws for anything that a file can hold.
/// Source: mce-inject-format.md 2; rasdaemon ras-record.c.
RasdaemonRead read_rasdaemon(std::string bytes);

}  // namespace mcemu::exchange
