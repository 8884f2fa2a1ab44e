// sanitizer_check MISTAKE: makes one mistake that a sanitised build must stop, and ends well otherwise.
// What is wrong depends on the arguments, so that no compiler can foresee it.
#include <climits>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <string_view>

namespace {

struct Pair {
    int first, second;
};

int second_of(const Pair& pair) { return pair.second; }

int* forgotten = nullptr;

}  // namespace

int main(int argc, char** argv) {
    const std::string_view mistake = argc > 1 ? argv[1] : "";
    const int one = argc - 1;
    volatile int sink = 0;
    if (mistake == "signed-overflow") {
        sink = INT_MAX - 1 + one + one;
    } else if (mistake == "shift") {
        sink = 1 << (one + 31);
    } else if (mistake == "division") {
        sink = 7 / (one - 1);
    } else if (mistake == "bounds") {
        const int few[] = {1, 2, 3};
        sink = few[one + 2];
    } else if (mistake == "bool") {
        bool truth;
        const unsigned char two = static_cast<unsigned char>(one + 1);
        std::memcpy(&truth, &two, 1);
        sink = truth ? 1 : 0;
    } else if (mistake == "misaligned") {
        alignas(8) char bytes[16] = {};
        sink = second_of(*reinterpret_cast<const Pair*>(bytes + one));
    } else if (mistake == "null-reference") {
        int* const nothing = one == 1 ? nullptr : &forgotten[0];
        int& reference = *nothing;
        sink = &reference == forgotten ? 1 : 0;
    } else if (mistake == "use-after-free") {
        auto* const pair = new Pair{one, one};
        delete pair;
        sink = second_of(*pair);
    } else if (mistake == "leak") {
        forgotten = new int(one);
        forgotten = nullptr;
    } else {
        std::cerr << "sanitizer_check: no such mistake: " << mistake << "\n";
        return 2;
    }
    std::cout << "not seen\n";
    return sink == 0 ? 0 : 0;
}
