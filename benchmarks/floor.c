/* The floor: what the system calls of a line server cost, and nothing else.
 *
 *     floor BYTES
 *
 * listens on a port of 127.0.0.1 that the system chooses, prints it, and answers
 * every line with the same text of BYTES bytes in the form of a definition; QUIT
 * with 221 and the end. One thread, one epoll; the answers to what one read
 * brought leave in one write.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256, READ = 1 << 16, ANSWERS = 256 };

static const char BANNER[] = "220 floor <> <0@floor>\r\n";
static const char HEAD[] = "150 1 definitions retrieved\r\n151 \"x\" wn \"WordNet\"\r\n";
static const char TAIL[] = "\r\n.\r\n250 ok\r\n";
static const char BYE[] = "221 bye\r\n";
static const int ON = 1;

static char *answers; /* ANSWERS times the same one */
static size_t answer_size;

static void prepare(size_t size)
{
    size_t head = sizeof HEAD - 1, tail = sizeof TAIL - 1;
    answer_size = size > head + tail + 1 ? size : head + tail + 1;
    answers = malloc(answer_size * ANSWERS);
    if (!answers)
        exit(1);
    for (int i = 0; i < ANSWERS; i++) {
        char *at = answers + i * answer_size;
        memcpy(at, HEAD, head);
        memset(at + head, 'x', answer_size - head - tail);
        memcpy(at + answer_size - tail, TAIL, tail);
    }
}

/* All of it, also to a reader that is slow: nothing here is worth a queue. */
static int put(int fd, const char *from, size_t size)
{
    while (size) {
        ssize_t gone = write(fd, from, size);
        if (gone <= 0)
            return -1;
        from += gone;
        size -= gone;
    }
    return 0;
}

static int listening(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (bind(fd, (struct sockaddr *)&address, length) || listen(fd, 1024)
        || getsockname(fd, (struct sockaddr *)&address, &length)) {
        perror("floor");
        exit(1);
    }
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void welcome(int epoll, int listener)
{
    int fd;
    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        struct epoll_event wanted = {.events = EPOLLIN, .data.fd = fd};
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &ON, sizeof ON);
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &wanted);
        put(fd, BANNER, sizeof BANNER - 1);
    }
}

static void serve(int fd)
{
    static char heard[READ];
    ssize_t size = read(fd, heard, sizeof heard);
    if (size <= 0) {
        close(fd);
        return;
    }
    int quit = size >= 6 && !memcmp(heard + size - 6, "QUIT\r\n", 6);
    size_t lines = 0;
    for (char *at = heard; (at = memchr(at, '\n', heard + size - at)); at++)
        lines++;
    lines -= quit;
    int gone = 0;
    while (lines && !gone) {
        size_t some = lines < ANSWERS ? lines : ANSWERS;
        gone = put(fd, answers, some * answer_size);
        lines -= some;
    }
    if (quit && !gone)
        put(fd, BYE, sizeof BYE - 1);
    if (quit || gone)
        close(fd);
}

int main(int count, char **words)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* never outlive who started it */
    signal(SIGPIPE, SIG_IGN);
    prepare(count > 1 ? strtoul(words[1], NULL, 10) : 300);
    int listener = listening(), epoll = epoll_create1(0);
    struct epoll_event events[EVENTS], wanted = {.events = EPOLLIN, .data.fd = listener};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &wanted);
    for (;;) {
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.fd == listener)
                welcome(epoll, listener);
            else
                serve(events[i].data.fd);
        }
    }
}
