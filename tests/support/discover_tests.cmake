# cmake -D PROGRAM=... -D PREFIX=... -D OUT=... -P discover_tests.cmake
# Writes a ctest entry per case of a Catch2 program. Catch2's own script takes names as CMake lists:
# a semicolon or bracket in a sentence would break them.
execute_process(COMMAND "${PROGRAM}" --list-test-names-only OUTPUT_VARIABLE names
                RESULT_VARIABLE status)  # the number of cases, or a signal's name
string(STRIP "${PREFIX}" PREFIX)
string(FIND "${names}" "\n" end)
if(NOT status MATCHES "^[0-9]+$" OR end EQUAL -1)
  message(FATAL_ERROR "${PROGRAM} does not list its cases: ${status}: ${names}")
endif()
set(script "")
while(NOT end EQUAL -1)
  string(SUBSTRING "${names}" 0 ${end} name)
  math(EXPR begin "${end} + 1")
  string(SUBSTRING "${names}" ${begin} -1 names)
  string(FIND "${names}" "\n" end)
  # What a test specification of Catch2 would take as its own.
  string(REGEX REPLACE "([][,\\\"])" "\\\\\\1" spec "${name}")
  string(APPEND script
         "add_test([==[${PREFIX} ${name}]==] [==[${PROGRAM}]==] [==[${spec}]==] --warn NoTests)\n"
         "set_tests_properties([==[${PREFIX} ${name}]==] PROPERTIES TIMEOUT 120)\n")
endwhile()
file(WRITE "${OUT}" "${script}")
