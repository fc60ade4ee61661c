/* A disk that fails on purpose, for one folder: LD_PRELOAD this into a writer.
 *
 * TORTURE_FOLDER  only files below it are touched
 * TORTURE_MODE    kill: die before the n-th call; torn: do half of it (a write) and die; eio, enospc: that one call fails;
 *                 log: nothing fails, every call is written down (below)
 * TORTURE_AT      n, counted from 1 over all calls that change or sync something
 * TORTURE_LOG     where calls are written down: op, path length, path, offset, data length, data; native byte order.
 *                 W write, T truncate, S sync, C create, R rename (data: the new path), U unlink, A acknowledged
 * TORTURE_ACK     a file: what is written to it is logged as A, and never fails
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static long calls;
static int log_fd = -1;

static int path_of(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, 4095);
    if (length < 0) return 0;
    path[length] = 0;
    return 1;
}

static int is_ours(const char *path) {
    const char *folder = getenv("TORTURE_FOLDER");
    return folder && !strncmp(path, folder, strlen(folder)) && !strstr(path, "-shm") && !strstr(path, "/lock");
}

static int is_ack(const char *path) {
    const char *ack = getenv("TORTURE_ACK");
    return ack && !strcmp(path, ack);
}

static void put(const void *data, size_t length) {
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) real = dlsym(RTLD_NEXT, "write");
    while (length) {
        ssize_t done = real(log_fd, data, length);
        if (done <= 0) _exit(99);
        data = (const char *)data + done;
        length -= done;
    }
}

static void note(char op, const char *path, int64_t offset, const void *data, int64_t length) {
    const char *file = getenv("TORTURE_LOG");
    if (!file) return;
    static int (*real)(const char *, int, ...);
    if (!real) real = dlsym(RTLD_NEXT, "open");
    if (log_fd < 0) log_fd = real(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int64_t name = strlen(path);
    put(&op, 1);
    put(&name, 8);
    put(path, name);
    put(&offset, 8);
    put(&length, 8);
    put(data, length);
}

/* 0: go on; 1: fail with errno; 2: do half and die. */
static int fate(void) {
    const char *mode = getenv("TORTURE_MODE"), *at = getenv("TORTURE_AT");
    if (!mode || !at || ++calls != atol(at)) return 0;
    if (!strcmp(mode, "kill")) kill(getpid(), SIGKILL);
    if (!strcmp(mode, "torn")) return 2;
    if (!strcmp(mode, "eio")) { errno = EIO; return 1; }
    if (!strcmp(mode, "enospc")) { errno = ENOSPC; return 1; }
    return 0;
}

#define WRITE(name, off_type)                                                                              \
    ssize_t name(int fd, const void *data, size_t length, off_type offset) {                               \
        static ssize_t (*real)(int, const void *, size_t, off_type);                                       \
        char path[4096];                                                                                   \
        if (!real) real = dlsym(RTLD_NEXT, #name);                                                         \
        if (!path_of(fd, path) || !is_ours(path)) return real(fd, data, length, offset);                   \
        int end = fate();                                                                                  \
        if (end == 1) return -1;                                                                           \
        if (end == 2) { real(fd, data, length / 2, offset); kill(getpid(), SIGKILL); }                     \
        ssize_t done = real(fd, data, length, offset);                                                     \
        if (done > 0) note('W', path, offset, data, done);                                                 \
        return done;                                                                                       \
    }
WRITE(pwrite, off_t)
WRITE(pwrite64, off64_t)

ssize_t write(int fd, const void *data, size_t length) {
    static ssize_t (*real)(int, const void *, size_t);
    char path[4096];
    if (!real) real = dlsym(RTLD_NEXT, "write");
    if (fd < 3 || !path_of(fd, path)) return real(fd, data, length);
    if (is_ack(path)) {
        ssize_t done = real(fd, data, length);
        note('A', path, 0, data, length);
        return done;
    }
    if (!is_ours(path)) return real(fd, data, length);
    int end = fate();
    if (end == 1) return -1;
    if (end == 2) { real(fd, data, length / 2); kill(getpid(), SIGKILL); }
    int64_t offset = lseek(fd, 0, SEEK_CUR);
    ssize_t done = real(fd, data, length);
    if (done > 0) note('W', path, offset, data, done);
    return done;
}

#define SYNC(name)                                                                                         \
    int name(int fd) {                                                                                     \
        static int (*real)(int);                                                                           \
        char path[4096];                                                                                   \
        if (!real) real = dlsym(RTLD_NEXT, #name);                                                         \
        if (!path_of(fd, path) || !is_ours(path)) return real(fd);                                         \
        int end = fate();                                                                                  \
        if (end == 1) return -1;                                                                           \
        if (end == 2) kill(getpid(), SIGKILL);                                                             \
        note('S', path, 0, "", 0);                                                                         \
        return 0; /* what survives a power cut is decided from the log: no need to wait for the disk */    \
    }
SYNC(fsync)
SYNC(fdatasync)

#define TRUNCATE(name, off_type)                                                                           \
    int name(int fd, off_type length) {                                                                    \
        static int (*real)(int, off_type);                                                                 \
        char path[4096];                                                                                   \
        if (!real) real = dlsym(RTLD_NEXT, #name);                                                         \
        if (!path_of(fd, path) || !is_ours(path)) return real(fd, length);                                 \
        int end = fate();                                                                                  \
        if (end == 1) return -1;                                                                           \
        if (end == 2) kill(getpid(), SIGKILL);                                                             \
        int done = real(fd, length);                                                                       \
        if (!done) note('T', path, length, "", 0);                                                         \
        return done;                                                                                       \
    }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

static int opened(const char *symbol, const char *path, int flags, mode_t mode) {
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, symbol);
    int fresh = (flags & O_CREAT) && is_ours(path) && access(path, F_OK);
    if (fresh) {
        int end = fate();
        if (end == 1) return -1;
        if (end == 2) kill(getpid(), SIGKILL);
    }
    int fd = real(path, flags, mode);
    if (fd >= 0 && fresh) note('C', path, 0, "", 0);
    return fd;
}

#define OPEN(name)                                                                                         \
    int name(const char *path, int flags, ...) {                                                           \
        mode_t mode = 0;                                                                                   \
        if (flags & O_CREAT) { va_list more; va_start(more, flags); mode = va_arg(more, mode_t); va_end(more); } \
        return opened(#name, path, flags, mode);                                                           \
    }
OPEN(open)
OPEN(open64)

int rename(const char *from, const char *to) {
    static int (*real)(const char *, const char *);
    if (!real) real = dlsym(RTLD_NEXT, "rename");
    if (!is_ours(from)) return real(from, to);
    int end = fate();
    if (end == 1) return -1;
    if (end == 2) kill(getpid(), SIGKILL);
    int done = real(from, to);
    if (!done) note('R', from, 0, to, strlen(to));
    return done;
}

int unlink(const char *path) {
    static int (*real)(const char *);
    if (!real) real = dlsym(RTLD_NEXT, "unlink");
    if (!is_ours(path)) return real(path);
    int end = fate();
    if (end == 1) return -1;
    if (end == 2) kill(getpid(), SIGKILL);
    int done = real(path);
    if (!done) note('U', path, 0, "", 0);
    return done;
}
