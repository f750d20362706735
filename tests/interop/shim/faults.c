/* Preloaded into a broker under test: makes its file system fail or dawdle, and its wall clock jump.
 * What to do stands in the first words of the file named by FAULTS_FILE, which the tester changes
 * while the broker runs; only files under the directory named by FAULTS_UNDER are touched. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

struct orders {
    /* How many calls from now the one is that fails with EIO; 0: none. */
    _Atomic uint32_t fail_write, fail_sync, fail_read;
    /* As above, but half of the bytes are written before it fails. */
    _Atomic uint32_t tear_write;
    /* Microseconds by which each call is delayed. */
    _Atomic uint32_t slow_write, slow_sync;
    /* How many calls failed. */
    _Atomic uint32_t failed;
    /* Seconds by which the wall clock is ahead. */
    _Atomic uint32_t clock_ahead;
};

static struct orders none;
static struct orders *orders = &none;
static char under[4096];

__attribute__((constructor)) static void take_orders(void)
{
    const char *name = getenv("FAULTS_FILE"), *dir = getenv("FAULTS_UNDER");
    int fd = name && dir ? open(name, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *map = mmap(0, sizeof *orders, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    snprintf(under, sizeof under, "%s/", dir);
    if (map != MAP_FAILED)
        orders = map;
}

static int is_ours(int fd)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0)
        return 0;
    path[size] = 0;
    return strncmp(path, under, strlen(under)) == 0 || strncmp(path, under, strlen(under) - 1) == 0;
}

static int is_due(_Atomic uint32_t *left, int fd)
{
    uint32_t now = atomic_load(left);
    if (now == 0 || !is_ours(fd))
        return 0;
    while (now != 0)
        if (atomic_compare_exchange_weak(left, &now, now - 1)) {
            if (now == 1)
                atomic_fetch_add(&orders->failed, 1);
            return now == 1;
        }
    return 0;
}

static void dawdle(_Atomic uint32_t *micros, int fd)
{
    uint32_t us = atomic_load(micros);
    if (us == 0 || !is_ours(fd))
        return;
    struct timespec time = {us / 1000000, us % 1000000 * 1000};
    nanosleep(&time, 0);
}

typedef ssize_t writer(int, const void *, size_t, off64_t);
typedef ssize_t reader(int, void *, size_t, off64_t);
typedef int syncer(int);
typedef int clock_reader(clockid_t, struct timespec *);

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at)
{
    static writer *real;
    if (!real)
        real = (writer *)dlsym(RTLD_NEXT, "pwrite64");
    dawdle(&orders->slow_write, fd);
    if (is_due(&orders->fail_write, fd)) {
        errno = EIO;
        return -1;
    }
    if (is_due(&orders->tear_write, fd)) {
        real(fd, bytes, size / 2, at);
        errno = EIO;
        return -1;
    }
    return real(fd, bytes, size, at);
}

ssize_t pread64(int fd, void *bytes, size_t size, off64_t at)
{
    static reader *real;
    if (!real)
        real = (reader *)dlsym(RTLD_NEXT, "pread64");
    if (is_due(&orders->fail_read, fd)) {
        errno = EIO;
        return -1;
    }
    return real(fd, bytes, size, at);
}

static int sync_with(syncer *real, int fd)
{
    dawdle(&orders->slow_sync, fd);
    if (is_due(&orders->fail_sync, fd)) {
        errno = EIO;
        return -1;
    }
    return real(fd);
}

int fdatasync(int fd)
{
    static syncer *real;
    if (!real)
        real = (syncer *)dlsym(RTLD_NEXT, "fdatasync");
    return sync_with(real, fd);
}

int fsync(int fd)
{
    static syncer *real;
    if (!real)
        real = (syncer *)dlsym(RTLD_NEXT, "fsync");
    return sync_with(real, fd);
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    static clock_reader *real;
    if (!real)
        real = (clock_reader *)dlsym(RTLD_NEXT, "clock_gettime");
    int done = real(clock, time);
    if (done == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        time->tv_sec += atomic_load(&orders->clock_ahead);
    return done;
}
