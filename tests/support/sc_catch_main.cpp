// main of the tests that link SystemC. libsystemc.so wants sc_main in every executable.
#include <cstdlib>
#include <systemc>

#include "support/catch_runner.hpp"

int sc_main(int argc, char** argv) { return run_catch(argc, argv); }

int main(int argc, char** argv) {
    ::setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 1);
    return sc_core::sc_elab_and_sim(argc, argv);
}
