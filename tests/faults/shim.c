/* Between a program and the disk: counts the calls that change files below a folder, over all threads
   and processes; kills, fails or notes the n-th. Loaded with LD_PRELOAD; Linux only. See disk.py.

   SHIM_ROOT   the folder (others are left alone)
   SHIM_COUNT  a file of 8 bytes in which the calls are counted, shared by all processes
   SHIM_AT     the number of the call at which it happens, from 1; 0 never
   SHIM_DO     kill, kill-after (after the call was done), ENOSPC, EIO, short (half is written, then kill)
   SHIM_STAY   1: every later call fails too (a disk that stays full)
   SHIM_TRACE  a file to which each call is appended: "number pid kind path offset length\n", then the
               bytes of a write
   SHIM_NOSYNC 1: fsync and fdatasync do nothing, and are not traced (the control of the power cuts)
*/
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static char root[PATH_MAX];
static size_t root_length;
static volatile uint64_t *count;
static uint64_t at;
static const char *what;
static int stay, trace = -1, nosync;

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static int (*real_open)(const char *, int, ...);
static ssize_t (*real_write)(int, const void *, size_t);

__attribute__((constructor)) static void begin(void) {
    real_open = dlsym(RTLD_NEXT, "open");
    real_write = dlsym(RTLD_NEXT, "write");
    const char *folder = getenv("SHIM_ROOT"), *counter = getenv("SHIM_COUNT");
    if (!folder || !counter) return;
    int file = real_open(counter, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || ftruncate(file, 8)) return;
    count = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (count == MAP_FAILED) { count = NULL; return; }
    at = getenv("SHIM_AT") ? strtoull(getenv("SHIM_AT"), NULL, 10) : 0;
    what = getenv("SHIM_DO") ? getenv("SHIM_DO") : "kill";
    stay = getenv("SHIM_STAY") != NULL;
    nosync = getenv("SHIM_NOSYNC") != NULL;
    const char *name = getenv("SHIM_TRACE");
    if (name) trace = real_open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    strncpy(root, folder, sizeof root - 1);
    root_length = strlen(root);
}

/* For a program that tries many points, a fork each: what is to happen from now on. */
void shim_set(uint64_t number, const char *kind, int stays, int no_sync, const char *file) {
    at = number;
    what = strdup(kind);
    stay = stays;
    nosync = no_sync;
    if (trace >= 0) { close(trace); trace = -1; }
    if (file) trace = real_open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (count) *count = 0;
}

uint64_t shim_count(void) { return count ? *count : 0; }

static void note(uint64_t, const char *, const char *, const char *, off_t, const void *, size_t);

/* A word of the program's own in the trace: what it was told is safe. */
void shim_mark(const char *said) { note(0, "mark", said, NULL, 0, NULL, 0); }

static int below(const char *path) {
    return count && strncmp(path, root, root_length) == 0 && (path[root_length] == '/' || !path[root_length]);
}

/* The path behind a descriptor or a name, if it is below the folder. */
static int of_file(int file, char *path) {
    if (!count) return 0;
    char link[64];
    int saved = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    errno = saved;
    if (length <= 0) return 0;
    path[length] = 0;
    return below(path);
}

static int of_name(int folder, const char *name, char *path) {
    if (!count) return 0;
    char base[PATH_MAX] = "";
    if (name[0] != '/') {
        if (folder == AT_FDCWD) { if (!getcwd(base, sizeof base - 1)) return 0; }
        else if (!of_file(folder, base)) return 0;
        strcat(base, "/");
    }
    if (strlen(base) + strlen(name) >= PATH_MAX) return 0;
    strcpy(path, base);
    strcat(path, name);
    return below(path);
}

static void note(uint64_t number, const char *kind, const char *path, const char *other, off_t offset,
                 const void *bytes, size_t length) {
    if (trace < 0) return;
    char head[2 * PATH_MAX + 128], clean[2][PATH_MAX];
    const char *both[2] = {path, other ? other : ""};
    for (int n = 0; n < 2; n++) {
        size_t i = 0;
        for (; both[n][i] && i < PATH_MAX - 1; i++)
            clean[n][i] = both[n][i] == '\t' || both[n][i] == '\n' ? '?' : both[n][i];
        clean[n][i] = 0;
    }
    int size = snprintf(head, sizeof head, "%llu\t%d\t%s\t%s\t%s\t%lld\t%zu\n", (unsigned long long)number,
                        getpid(), kind, clean[0], clean[1], (long long)offset, bytes ? length : 0);
    struct iovec parts[2] = {{head, size}, {(void *)bytes, bytes ? length : 0}};
    if (writev(trace, parts, 2) < 0) abort();
}

/* Before a call: its number; -1 with errno set if it is to fail. */
static int64_t before(void) {
    uint64_t number = __atomic_add_fetch(count, 1, __ATOMIC_SEQ_CST);
    if (!at || number < at || (number > at && !stay)) return (int64_t)number;
    if (!strcmp(what, "kill")) { kill(getpid(), SIGKILL); pause(); }
    if (!strcmp(what, "ENOSPC")) { errno = ENOSPC; return -1; }
    if (!strcmp(what, "EIO")) { errno = EIO; return -1; }
    return (int64_t)number;
}

static void after(int64_t number) {
    if (at && (uint64_t)number == at && !strcmp(what, "kill-after")) { kill(getpid(), SIGKILL); pause(); }
}

static int is_short(int64_t number) { return at && (uint64_t)number == at && !strcmp(what, "short"); }

static void die(void) { kill(getpid(), SIGKILL); pause(); }

ssize_t write(int file, const void *bytes, size_t length) {
    char path[PATH_MAX];
    if (!of_file(file, path)) return real_write(file, bytes, length);
    int64_t number = before();
    if (number < 0) return -1;
    if (is_short(number)) { real_write(file, bytes, length / 2); die(); }
    off_t offset = lseek(file, 0, SEEK_CUR);
    note(number, "write", path, NULL, offset, bytes, length);
    ssize_t done = real_write(file, bytes, length);
    after(number);
    return done;
}

#define PWRITE(name, type) \
    ssize_t name(int file, const void *bytes, size_t length, type offset) { \
        REAL(name); \
        char path[PATH_MAX]; \
        if (!of_file(file, path)) return real(file, bytes, length, offset); \
        int64_t number = before(); \
        if (number < 0) return -1; \
        if (is_short(number)) { real(file, bytes, length / 2, offset); die(); } \
        note(number, "write", path, NULL, offset, bytes, length); \
        ssize_t done = real(file, bytes, length, offset); \
        after(number); \
        return done; \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define SYNC(name) \
    int name(int file) { \
        REAL(name); \
        char path[PATH_MAX]; \
        if (!of_file(file, path)) return real(file); \
        if (nosync) return 0; \
        int64_t number = before(); \
        if (number < 0) return -1; \
        int done = real(file); \
        note(number, "sync", path, NULL, 0, NULL, 0); \
        after(number); \
        return done; \
    }
SYNC(fsync)
SYNC(fdatasync)

#define TRUNCATE(name, type) \
    int name(int file, type length) { \
        REAL(name); \
        char path[PATH_MAX]; \
        if (!of_file(file, path)) return real(file, length); \
        int64_t number = before(); \
        if (number < 0) return -1; \
        note(number, "truncate", path, NULL, length, NULL, 0); \
        int done = real(file, length); \
        after(number); \
        return done; \
    }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

static int two(const char *kind, int from_folder, const char *from, int to_folder, const char *to,
               int (*act)(int, const char *, int, const char *)) {
    char path[PATH_MAX], other[PATH_MAX];
    int ours = of_name(to_folder, to, other);
    if (!of_name(from_folder, from, path) && !ours) return act(from_folder, from, to_folder, to);
    int64_t number = before();
    if (number < 0) return -1;
    note(number, kind, path, other, 0, NULL, 0);
    int done = act(from_folder, from, to_folder, to);
    after(number);
    return done;
}

static int do_rename(int a, const char *from, int b, const char *to) { REAL(renameat); return real(a, from, b, to); }
static int do_link(int a, const char *from, int b, const char *to) { REAL(linkat); return real(a, from, b, to, 0); }
int rename(const char *from, const char *to) { return two("rename", AT_FDCWD, from, AT_FDCWD, to, do_rename); }
int renameat(int a, const char *from, int b, const char *to) { return two("rename", a, from, b, to, do_rename); }
int link(const char *from, const char *to) { return two("link", AT_FDCWD, from, AT_FDCWD, to, do_link); }
int linkat(int a, const char *from, int b, const char *to, int flags) {
    (void)flags;
    return two("link", a, from, b, to, do_link);
}

static int one(const char *kind, int folder, const char *name, int argument,
               int (*act)(int, const char *, int)) {
    char path[PATH_MAX];
    if (!of_name(folder, name, path)) return act(folder, name, argument);
    int64_t number = before();
    if (number < 0) return -1;
    int done = act(folder, name, argument);
    if (done >= 0) note(number, kind, path, NULL, 0, NULL, 0);
    after(number);
    return done;
}

static int do_unlink(int folder, const char *name, int flags) { REAL(unlinkat); return real(folder, name, flags); }
static int do_mkdir(int folder, const char *name, int mode) { REAL(mkdirat); return real(folder, name, mode); }
int unlink(const char *name) { return one("unlink", AT_FDCWD, name, 0, do_unlink); }
int unlinkat(int folder, const char *name, int flags) { return one("unlink", folder, name, flags, do_unlink); }
int mkdir(const char *name, mode_t mode) { return one("mkdir", AT_FDCWD, name, mode, do_mkdir); }
int mkdirat(int folder, const char *name, mode_t mode) { return one("mkdir", folder, name, mode, do_mkdir); }

/* A new file is a change too. */
#define OPEN(name) \
    int name(const char *file, int flags, ...) { \
        REAL(name); \
        mode_t mode = 0; \
        if (flags & (O_CREAT | __O_TMPFILE)) { \
            va_list rest; \
            va_start(rest, flags); \
            mode = va_arg(rest, mode_t); \
            va_end(rest); \
        } \
        char path[PATH_MAX]; \
        if (!(flags & O_CREAT) || !of_name(AT_FDCWD, file, path)) return real(file, flags, mode); \
        if (access(path, F_OK) == 0 && !(flags & O_TRUNC)) return real(file, flags, mode); \
        int64_t number = before(); \
        if (number < 0) return -1; \
        int done = real(file, flags, mode); \
        if (done >= 0) note(number, flags & O_TRUNC ? "empty" : "create", path, NULL, 0, NULL, 0); \
        after(number); \
        return done; \
    }
OPEN(open)
OPEN(open64)
