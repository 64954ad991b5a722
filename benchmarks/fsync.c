/* A slow disk: fsync and fdatasync take FSYNC_MS more, and are counted in the file FSYNC_COUNT (8 bytes).
   For LD_PRELOAD; what it is loaded into has to call them by the C library. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static uint64_t nowhere, *count = &nowhere;
static struct timespec more;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("FSYNC_COUNT"), *ms = getenv("FSYNC_MS");
    double wait = ms ? atof(ms) : 0;
    more.tv_sec = wait / 1000;
    more.tv_nsec = (wait - more.tv_sec * 1000.0) * 1e6;
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd >= 0) {
        void *found = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (found != MAP_FAILED)
            count = found;
        close(fd);
    }
}

/* Counted when it is done: who sees the count has what was written before on the disk. */
static int slowly(const char *name, int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    int done = real(fd);
    if (more.tv_sec || more.tv_nsec)
        nanosleep(&more, NULL);
    __atomic_fetch_add(count, 1, __ATOMIC_SEQ_CST);
    return done;
}

int fsync(int fd)
{
    return slowly("fsync", fd);
}

int fdatasync(int fd)
{
    return slowly("fdatasync", fd);
}
