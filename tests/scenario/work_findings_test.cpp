// Files, kernel pages, processes and maps. Every finding with its exact text and position.
#include <catch2/catch.hpp>

#include "scenario/told.hpp"

namespace mcemu::scenario {
namespace {

TEST_CASE("a file lies on a namespace that exists", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]},
"files": [{"id": "f", "size": "4MiB", "on": "namespace0.3"}])")) ==
          "s.json:3:45: /files/0/on: there is no namespace \"namespace0.3\": did you mean "
          "\"namespace0.0\"?");
}

TEST_CASE("a file with DAX lies on fsdax", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]},
"files": [{"id": "f", "size": "4MiB", "on": "namespace0.1"}])")) ==
          "s.json:3:45: /files/0/on: \"namespace0.1\" is not an fsdax namespace: a filesystem "
          "with DAX needs mode \"fsdax\"");
}

TEST_CASE("a file on a disk has no DAX", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]},
"files": [{"id": "f", "size": "4MiB", "dax": true}])")) ==
          "s.json:3:46: /files/0/dax: a file on a disk has no DAX: name an fsdax namespace "
          "with \"on\"");
}

TEST_CASE("a file on a disk has no extents", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]},
"files": [{"id": "f", "size": "4MiB", "extents": []}])")) ==
          "s.json:3:50: /files/0/extents: a file on a disk has no extents: name an fsdax "
          "namespace with \"on\"");
}

TEST_CASE("ids of files differ", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]},
"files": [{"id": "f", "size": "4MiB"}, {"id": "f", "size": "4MiB"}])")) ==
          "s.json:3:47: /files/1/id: the id \"f\" is taken by /files/0/id: choose another");
}

TEST_CASE("an extent is page aligned", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]},
"files": [{"id": "f", "size": "4MiB", "on": "namespace0.0", "extents": [{"pmem": "0x800", "size": "4KiB"}]}])")) ==
          "s.json:3:82: /files/0/extents/0/pmem: 0x800 is not page aligned: align it to 4KiB");
}

TEST_CASE("an extent lies inside the file", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]},
"files": [{"id": "f", "size": "4MiB", "on": "namespace0.0", "extents": [{"offset": "2MiB", "pmem": 0, "size": "4MiB"}]}])")) ==
          "s.json:3:73: /files/0/extents/0: the extent 0x200000 + 4MiB lies outside the file: "
          "it has 4MiB");
}

TEST_CASE("an extent lies inside the namespace's data", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]},
"files": [{"id": "f", "size": "4MiB", "on": "namespace0.0", "extents": [{"pmem": "1GiB", "size": "4MiB"}]}])")) ==
          "s.json:3:82: /files/0/extents/0/pmem: the extent 0x40000000 + 4MiB lies outside the "
          "data of namespace0.0: they have 1022MiB");
}

TEST_CASE("extents of a file do not overlap in the file", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]},
"files": [{"id": "f", "size": "4MiB", "on": "namespace0.0", "extents": [{"pmem": 0, "size": "4MiB"}, {"offset": "2MiB", "pmem": "8MiB", "size": "2MiB"}]}])")) ==
          "s.json:3:102: /files/0/extents/1: the extent 0x200000-0x400000 overlaps the extent "
          "0x0-0x400000 of the file: move or shrink one of them");
}

TEST_CASE("extents do not overlap in the namespace", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]},
"files": [{"id": "f", "size": "4MiB", "on": "namespace0.0", "extents": [{"pmem": 0, "size": "2MiB"}, {"offset": "2MiB", "pmem": "1MiB", "size": "2MiB"}]}])")) ==
          "s.json:3:102: /files/0/extents/1: the extent 0x100000-0x300000 overlaps the extent "
          "0x0-0x200000 of the namespace's data: move or shrink one of them");
}

TEST_CASE("a file without extents finds room", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]},
"files": [{"id": "f", "size": "1GiB", "on": "namespace0.0"}])")) ==
          "s.json:3:11: /files/0: no room is left for the file in namespace0.0: its data have "
          "1022MiB: make the file smaller or give its extents");
}

TEST_CASE("kernel pages are page aligned", "[scenario][work]") {
    CHECK(told(document(R"("kernel_pages": [{"at": "0x1001"}])")) ==
          "s.json:2:25: /kernel_pages/0/at: 0x1001 is not page aligned: align it to 4KiB");
}

TEST_CASE("kernel pages are whole pages", "[scenario][work]") {
    CHECK(told(document(R"("kernel_pages": [{"at": "0x1000", "size": "100B"}])")) ==
          "s.json:2:43: /kernel_pages/0/size: 100B is not a whole number of pages: align it to "
          "4KiB");
}

TEST_CASE("kernel pages lie in memory", "[scenario][work]") {
    CHECK(told(document(R"("kernel_pages": [{"at": "0x900000000"}])")) ==
          "s.json:2:18: /kernel_pages/0: 0x900000000-0x900001000 lies outside all memory: "
          "there are dram0 0x0-0x80000000");
}

TEST_CASE("kernel pages do not wrap around", "[scenario][work]") {
    CHECK(told(document(R"("kernel_pages": [{"at": "0xfffffffffffff000", "size": "8KiB"}])")) ==
          "s.json:2:18: /kernel_pages/0: 0xfffffffffffff000 + 8KiB wraps around: make it "
          "smaller");
}

TEST_CASE("kernel pages do not overlap", "[scenario][work]") {
    CHECK(told(document(R"("kernel_pages": [{"at": "0x1000", "size": "8KiB"}, {"at": "0x2000"}])")) ==
          "s.json:2:52: /kernel_pages/1: the range 0x2000-0x3000 overlaps the range "
          "0x1000-0x3000: move or shrink one of them");
}

TEST_CASE("ids of processes differ", "[scenario][work]") {
    CHECK(told(document(R"("processes": [{"id": "p"}, {"id": "p"}])")) ==
          "s.json:2:35: /processes/1/id: the id \"p\" is taken by /processes/0/id: choose another");
}

TEST_CASE("pids of processes differ", "[scenario][work]") {
    CHECK(told(document(R"("processes": [{"id": "p", "pid": 7}, {"id": "q", "pid": 7}])")) ==
          "s.json:2:57: /processes/1/pid: the pid 7 is taken by /processes/0: choose another");
}

TEST_CASE("a process runs on a CPU that exists", "[scenario][work]") {
    CHECK(told(document(R"("processes": [{"id": "p", "cpu": 4}])")) ==
          "s.json:2:34: /processes/0/cpu: there is no CPU 4: the machine has 4 CPUs: 0 to 3");
}

TEST_CASE("maps of a process do not overlap", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]}, "files": [{"id": "f", "on": "namespace0.0", "size": "4MiB"}, {"id": "g", "size": "4MiB"}],
"processes": [{"id": "p", "maps": [{"va": "0x1000", "size": "8KiB"}, {"va": "0x2000", "size": "4KiB"}]}])")) ==
          "s.json:3:70: /processes/0/maps/1: p.1 0x2000-0x3000 overlaps p.0 0x1000-0x3000: "
          "move or shrink one of them");
}

TEST_CASE("ids of a process's maps differ", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]}, "files": [{"id": "f", "on": "namespace0.0", "size": "4MiB"}, {"id": "g", "size": "4MiB"}],
"processes": [{"id": "p", "maps": [{"id": "m", "va": "0x1000", "size": "4KiB"}, {"id": "m", "va": "0x2000", "size": "4KiB"}]}])")) ==
          "s.json:3:88: /processes/0/maps/1/id: the id \"m\" is taken by /processes/0/maps/0/id: "
          "choose another");
}

TEST_CASE("a map is page aligned", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]}, "files": [{"id": "f", "on": "namespace0.0", "size": "4MiB"}, {"id": "g", "size": "4MiB"}],
"processes": [{"id": "p", "maps": [{"va": "0x1001", "size": "4KiB"}]}])")) ==
          "s.json:3:43: /processes/0/maps/0/va: 0x1001 is not aligned to pages of 4KiB: round "
          "it to 0x1000");
}

TEST_CASE("a map has whole pages", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]}, "files": [{"id": "f", "on": "namespace0.0", "size": "4MiB"}, {"id": "g", "size": "4MiB"}],
"processes": [{"id": "p", "maps": [{"va": "0x1000", "size": "4097B"}]}])")) ==
          "s.json:3:61: /processes/0/maps/0/size: 4097B is not aligned to pages of 4KiB: round "
          "it to 8KiB");
}

TEST_CASE("a map begins at a whole page of its file", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]}, "files": [{"id": "f", "on": "namespace0.0", "size": "4MiB"}, {"id": "g", "size": "4MiB"}],
"processes": [{"id": "p", "maps": [{"va": "0x1000", "size": "4KiB", "kind": "fsdax", "offset": "100B"}]}])")) ==
          "s.json:3:96: /processes/0/maps/0/offset: 100B is not aligned to pages of 4KiB: "
          "round it to 4KiB");
}

TEST_CASE("a map lies in user memory", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]}, "files": [{"id": "f", "on": "namespace0.0", "size": "4MiB"}, {"id": "g", "size": "4MiB"}],
"processes": [{"id": "p", "maps": [{"va": "0xffff888000000000", "size": "4KiB"}]}])")) ==
          "s.json:3:43: /processes/0/maps/0/va: 0xffff888000000000 + 4KiB is not user memory: "
          "it ends at 0x800000000000");
}

TEST_CASE("a map has one of three page sizes", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]}, "files": [{"id": "f", "on": "namespace0.0", "size": "4MiB"}, {"id": "g", "size": "4MiB"}],
"processes": [{"id": "p", "maps": [{"va": "0x1000", "size": "8KiB", "page": "8KiB"}]}])")) ==
          "s.json:3:77: /processes/0/maps/0/page: 8KiB is no page size: 4KiB, 2MiB or 1GiB");
}

TEST_CASE("a devdax map is aligned to its device", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]}, "files": [{"id": "f", "on": "namespace0.0", "size": "4MiB"}, {"id": "g", "size": "4MiB"}],
"processes": [{"id": "p", "maps": [{"va": "0x1000", "size": "2MiB", "kind": "devdax"}]}])")) ==
          "s.json:3:43: /processes/0/maps/0/va: 0x1000 is not aligned to pages of 2MiB: round "
          "it to 0x0");
}

TEST_CASE("a devdax map has pages of its device", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]}, "files": [{"id": "f", "on": "namespace0.0", "size": "4MiB"}, {"id": "g", "size": "4MiB"}],
"processes": [{"id": "p", "maps": [{"va": "0x200000", "size": "2MiB", "kind": "devdax", "page": "4KiB"}]}])")) ==
          "s.json:3:97: /processes/0/maps/0/page: pages of 4KiB on a device aligned to 2MiB: "
          "device-dax maps pages of its alignment");
}

TEST_CASE("a devdax map is shared", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]}, "files": [{"id": "f", "on": "namespace0.0", "size": "4MiB"}, {"id": "g", "size": "4MiB"}],
"processes": [{"id": "p", "maps": [{"va": "0x200000", "size": "2MiB", "kind": "devdax", "share": "private"}]}])")) ==
          "s.json:3:98: /processes/0/maps/0/share: a private map of device-dax: the kernel "
          "allows shared ones only");
}

TEST_CASE("a devdax map is of a devdax namespace", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]}, "files": [{"id": "f", "on": "namespace0.0", "size": "4MiB"}, {"id": "g", "size": "4MiB"}],
"processes": [{"id": "p", "maps": [{"va": "0x200000", "size": "2MiB", "kind": "devdax", "of": "namespace0.0"}]}])")) ==
          "s.json:3:95: /processes/0/maps/0/of: \"namespace0.0\" is not a devdax namespace: name "
          "one, or map a file of it");
}

TEST_CASE("a devdax map ends inside the data", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]}, "files": [{"id": "f", "on": "namespace0.0", "size": "4MiB"}, {"id": "g", "size": "4MiB"}],
"processes": [{"id": "p", "maps": [{"va": "0x200000", "size": "4GiB", "kind": "devdax"}]}])")) ==
          "s.json:3:63: /processes/0/maps/0/size: the map ends behind the data of "
          "namespace0.1: they have 3070MiB");
}

TEST_CASE("a map of a file names it where there are none", "[scenario][work]") {
    CHECK(told(document(R"("processes": [{"id": "p", "maps": [{"va": "0x1000", "size": "4KiB", "kind": "file"}]}])")) ==
          "s.json:2:36: /processes/0/maps/0: the key \"of\" is missing: name a file");
}

TEST_CASE("a devdax map names its device where there are none", "[scenario][work]") {
    CHECK(told(document(R"("processes": [{"id": "p", "maps": [{"va": "0x200000", "size": "2MiB", "kind": "devdax"}]}])")) ==
          "s.json:2:36: /processes/0/maps/0: the key \"of\" is missing: name a devdax namespace");
}

TEST_CASE("a map of kind fsdax is of a file with DAX", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]}, "files": [{"id": "f", "on": "namespace0.0", "size": "4MiB"}, {"id": "g", "size": "4MiB"}],
"processes": [{"id": "p", "maps": [{"va": "0x1000", "size": "4KiB", "kind": "fsdax", "of": "g"}]}])")) ==
          "s.json:3:92: /processes/0/maps/0/of: \"g\" is not a file with DAX: use kind \"file\"");
}

TEST_CASE("a map of kind file is of a file without DAX", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]}, "files": [{"id": "f", "on": "namespace0.0", "size": "4MiB"}, {"id": "g", "size": "4MiB"}],
"processes": [{"id": "p", "maps": [{"va": "0x1000", "size": "4KiB", "kind": "file", "of": "f"}]}])")) ==
          "s.json:3:91: /processes/0/maps/0/of: \"f\" is a file with DAX: use kind \"fsdax\"");
}

TEST_CASE("a map of a file ends inside it", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]}, "files": [{"id": "f", "on": "namespace0.0", "size": "4MiB"}, {"id": "g", "size": "4MiB"}],
"processes": [{"id": "p", "maps": [{"va": "0x1000", "size": "8MiB", "kind": "fsdax"}]}])")) ==
          "s.json:3:61: /processes/0/maps/0/size: the map ends behind the file f: it has 4MiB");
}

TEST_CASE("an anonymous map is of nothing", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]}, "files": [{"id": "f", "on": "namespace0.0", "size": "4MiB"}, {"id": "g", "size": "4MiB"}],
"processes": [{"id": "p", "maps": [{"va": "0x1000", "size": "4KiB", "of": "f"}]}])")) ==
          "s.json:3:75: /processes/0/maps/0/of: a map of kind \"anon\" is of nothing: leave it "
          "out, or use kind \"file\", \"fsdax\" or \"devdax\"");
}

TEST_CASE("huge pages are not of 4 KiB", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]}, "files": [{"id": "f", "on": "namespace0.0", "size": "4MiB"}, {"id": "g", "size": "4MiB"}],
"processes": [{"id": "p", "maps": [{"va": "0x200000", "size": "2MiB", "kind": "hugetlb", "page": "4KiB"}]}])")) ==
          "s.json:3:98: /processes/0/maps/0/page: huge pages of 4KiB: 2MiB or 1GiB");
}

TEST_CASE("anonymous pages are not of 1 GiB", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]}, "files": [{"id": "f", "on": "namespace0.0", "size": "4MiB"}, {"id": "g", "size": "4MiB"}],
"processes": [{"id": "p", "maps": [{"va": "0x40000000", "size": "1GiB", "page": "1GiB"}]}])")) ==
          "s.json:3:81: /processes/0/maps/0/page: pages of 1GiB: only hugetlb and devdax have "
          "them");
}

TEST_CASE("pages of persistent memory are not in the swap cache", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]}, "files": [{"id": "f", "on": "namespace0.0", "size": "4MiB"}, {"id": "g", "size": "4MiB"}],
"processes": [{"id": "p", "maps": [{"va": "0x1000", "size": "4KiB", "kind": "fsdax", "state": "swapcache"}]}])")) ==
          "s.json:3:95: /processes/0/maps/0/state: pages of persistent memory have no such "
          "state: \"untouched\" is one they can have");
}

TEST_CASE("pages of files are not in the swap cache", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]}, "files": [{"id": "f", "on": "namespace0.0", "size": "4MiB"}, {"id": "g", "size": "4MiB"}],
"processes": [{"id": "p", "maps": [{"va": "0x1000", "size": "4KiB", "kind": "file", "state": "swapcache"}]}])")) ==
          "s.json:3:94: /processes/0/maps/0/state: only anonymous and shared memory is "
          "\"swapcache\": use kind \"anon\"");
}

TEST_CASE("pages of files are no transparent huge pages", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]}, "files": [{"id": "f", "on": "namespace0.0", "size": "4MiB"}, {"id": "g", "size": "4MiB"}],
"processes": [{"id": "p", "maps": [{"va": "0x200000", "size": "2MiB", "kind": "file", "state": "thp"}]}])")) ==
          "s.json:3:96: /processes/0/maps/0/state: only anonymous and shared memory is \"thp\": "
          "use kind \"anon\"");
}

TEST_CASE("a transparent huge page is whole", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]}, "files": [{"id": "f", "on": "namespace0.0", "size": "4MiB"}, {"id": "g", "size": "4MiB"}],
"processes": [{"id": "p", "maps": [{"va": "0x201000", "size": "2MiB", "state": "thp"}]}])")) ==
          "s.json:3:80: /processes/0/maps/0/state: a transparent huge page that is not whole: "
          "align va and size to 2MiB");
}

TEST_CASE("a map of persistent memory has its place", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]}, "files": [{"id": "f", "on": "namespace0.0", "size": "4MiB"}, {"id": "g", "size": "4MiB"}],
"processes": [{"id": "p", "maps": [{"va": "0x1000", "size": "4KiB", "kind": "fsdax", "at": "0x1000"}]}])")) ==
          "s.json:3:92: /processes/0/maps/0/at: its place follows from the namespace: leave it "
          "out");
}

TEST_CASE("a map's place is page aligned", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]}, "files": [{"id": "f", "on": "namespace0.0", "size": "4MiB"}, {"id": "g", "size": "4MiB"}],
"processes": [{"id": "p", "maps": [{"va": "0x1000", "size": "4KiB", "at": "0x1234"}]}])")) ==
          "s.json:3:75: /processes/0/maps/0/at: 0x1234 is not aligned to pages of 4KiB: round "
          "it to 0x1000");
}

TEST_CASE("a map's place lies in DRAM", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]}, "files": [{"id": "f", "on": "namespace0.0", "size": "4MiB"}, {"id": "g", "size": "4MiB"}],
"processes": [{"id": "p", "maps": [{"va": "0x1000", "size": "4KiB", "at": "0x200000000"}]}])")) ==
          "s.json:3:75: /processes/0/maps/0/at: 0x200000000 + 4KiB lies outside all DRAM: "
          "choose a place inside one range of /machine/memory");
}

TEST_CASE("a map shares memory with one that exists", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]}, "files": [{"id": "f", "on": "namespace0.0", "size": "4MiB"}, {"id": "g", "size": "4MiB"}],
"processes": [{"id": "p", "maps": [{"id": "m0", "va": "0x1000", "size": "4KiB"}, {"va": "0x2000", "size": "4KiB", "shared_with": "mO"}]}])")) ==
          "s.json:3:130: /processes/0/maps/1/shared_with: there is no map \"mO\" before this "
          "one: did you mean \"m0\"?");
}

TEST_CASE("a map shares memory with one that its id tells", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]}, "files": [{"id": "f", "on": "namespace0.0", "size": "4MiB"}, {"id": "g", "size": "4MiB"}],
"processes": [{"id": "p", "maps": [{"id": "m", "va": "0x1000", "size": "4KiB"}]}, {"id": "q", "maps": [{"id": "m", "va": "0x1000", "size": "4KiB"}]}, {"id": "r", "maps": [{"va": "0x1000", "size": "4KiB", "shared_with": "m"}]}])")) ==
          "s.json:3:220: /processes/2/maps/0/shared_with: several maps are called \"m\": give "
          "the one that is meant an id of its own");
}

TEST_CASE("a map shares memory of its kind", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]}, "files": [{"id": "f", "on": "namespace0.0", "size": "4MiB"}, {"id": "g", "size": "4MiB"}],
"processes": [{"id": "p", "maps": [{"id": "m", "va": "0x1000", "size": "4KiB"}, {"va": "0x2000", "size": "4KiB", "kind": "shmem", "shared_with": "m"}]}])")) ==
          "s.json:3:146: /processes/0/maps/1/shared_with: \"m\" is of another kind: maps that "
          "share memory are of one kind");
}

TEST_CASE("a map shares no more memory than there is", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]}, "files": [{"id": "f", "on": "namespace0.0", "size": "4MiB"}, {"id": "g", "size": "4MiB"}],
"processes": [{"id": "p", "maps": [{"id": "m", "va": "0x1000", "size": "4KiB"}, {"va": "0x2000", "size": "8KiB", "shared_with": "m"}]}])")) ==
          "s.json:3:129: /processes/0/maps/1/shared_with: \"m\" has only 4KiB: at most that size");
}

TEST_CASE("maps of files share by themselves", "[scenario][work]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]}, "files": [{"id": "f", "on": "namespace0.0", "size": "4MiB"}, {"id": "g", "size": "4MiB"}],
"processes": [{"id": "p", "maps": [{"id": "m", "va": "0x1000", "size": "4KiB"}, {"va": "0x2000", "size": "4KiB", "kind": "fsdax", "shared_with": "m"}]}])")) ==
          "s.json:3:146: /processes/0/maps/1/shared_with: maps of files and devices share by "
          "themselves: leave it out");
}

}  // namespace
}  // namespace mcemu::scenario
