#pragma once

/// Runs the cases that the arguments of Catch2 choose: the exit status of a test program.
int run_catch(int argc, char** argv);
