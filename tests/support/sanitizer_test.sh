#!/bin/sh
# sanitizer_test.sh PROGRAM: every kind of mistake ends the sanitised program, and its place is told.
set -u
program=$1
# As tools/test says it, so that the case fails alone as it does there.
ASAN_OPTIONS=strict_string_checks=1:detect_stack_use_after_return=1
LSAN_OPTIONS=
UBSAN_OPTIONS=print_stacktrace=1
export ASAN_OPTIONS LSAN_OPTIONS UBSAN_OPTIONS
failed=0
# see MISTAKE WORDS: the report holds the words and the source file.
see() {
    said=$("$program" "$1" 2>&1)
    status=$?
    if [ $status -eq 0 ] || [ $status -eq 2 ]; then
        echo "$1: exit status $status: $said"
        failed=1
    fi
    case $said in
        *"$2"*sanitizer_check.cpp*) ;;
        *)
            echo "$1: no \"$2\" with its place: $said"
            failed=1
            ;;
    esac
}
see signed-overflow "signed integer overflow"
see shift "shift exponent 32 is too large"
see division "division by zero"
see bounds "index 3 out of bounds"
see bool "load of value 2"
see misaligned "misaligned address"
see null-reference "null pointer"
see use-after-free "heap-use-after-free"
see leak "LeakSanitizer: detected memory leaks"
exit $failed
