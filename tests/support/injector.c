/* Lets chosen system calls of a command, and of all that it starts, fail.
 *
 *     injector CALLS NUMBER MODE FOLDERS REPORT COMMAND...
 *
 * CALLS names a group of system calls (see `groups`). They are counted over all processes of the command. MODE says
 * which of them fail: `once`, only call NUMBER; `ever`, call NUMBER and all that follow; `short`, call NUMBER transfers
 * half of its bytes, and for writes all that follow fail; `half`, the same and nothing fails; `count`, none; `list`, none,
 * and REPORT receives a line for each. FOLDERS, separated by colons, limits this to files below them; empty means everywhere. REPORT receives `calls=N`, `failed=N`, `left=1` where
 * something still ran 10 seconds after the command (else 0) and one line for each of the first calls that failed.
 *
 * A filter (seccomp) stops a process at such a call, and at no other; this process, its tracer, then decides. So it makes
 * no difference whether a program is linked statically or calls from inside the C library. A stop is no event that the
 * process could see: user notifications of seccomp are, for a signal ends the wait for their answer with EINTR. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SHOWN 20
#define LEFT_SECONDS 10

/* Where a system call names its file: a descriptor, a path, or a path below a descriptor. */
enum where { NOTHING, FD, PATH, AT };

struct call {
    const char *group;
    int number;
    enum where where;
    int argument; /* of the descriptor, or of the path (AT: of the descriptor that the path follows) */
    int error;
};

static const struct call calls[] = {
    {"write", __NR_write, FD, 0, ENOSPC},
    {"write", __NR_pwrite64, FD, 0, ENOSPC},
    {"write", __NR_writev, FD, 0, ENOSPC},
    {"write", __NR_pwritev, FD, 0, ENOSPC},
    {"write", __NR_pwritev2, FD, 0, ENOSPC},
    {"write", __NR_sendfile, FD, 0, ENOSPC},
    {"write", __NR_copy_file_range, FD, 2, ENOSPC},
    {"write", __NR_splice, FD, 2, ENOSPC},
    {"write", __NR_fallocate, FD, 0, ENOSPC},
    {"read", __NR_read, FD, 0, EIO},
    {"read", __NR_pread64, FD, 0, EIO},
    {"read", __NR_readv, FD, 0, EIO},
    {"read", __NR_sendfile, FD, 1, EIO},
    {"read", __NR_copy_file_range, FD, 0, EIO},
    {"read", __NR_splice, FD, 0, EIO},
    {"read", __NR_getdents64, FD, 0, EIO},
    {"create", __NR_openat, AT, 0, ENOSPC},
    {"open", __NR_openat, AT, 0, EMFILE},
    {"mkdir", __NR_mkdirat, AT, 0, ENOSPC},
    {"rename", __NR_renameat2, AT, 2, ENOSPC},
    {"rename", __NR_linkat, AT, 2, ENOSPC},
    {"rename", __NR_symlinkat, AT, 1, ENOSPC},
    {"remove", __NR_unlinkat, AT, 0, EIO},
    {"mode", __NR_fchmodat, AT, 0, EIO},
    {"mode", __NR_fchmod, FD, 0, EIO},
    {"mode", __NR_fchownat, AT, 0, EIO},
    {"mode", __NR_fchown, FD, 0, EIO},
    {"fork", __NR_clone, NOTHING, 0, ENOMEM},
    {"fork", __NR_clone3, NOTHING, 0, ENOMEM},
    {"exec", __NR_execve, NOTHING, 0, ENOMEM},
    {"exec", __NR_execveat, NOTHING, 0, ENOMEM},
    {"pipe", __NR_pipe2, NOTHING, 0, EMFILE},
    {"close", __NR_close, FD, 0, EIO},
    {"sync", __NR_fsync, FD, 0, EIO},
    {"sync", __NR_fdatasync, FD, 0, EIO},
    {"sync", __NR_syncfs, FD, 0, EIO},
#ifdef __NR_open /* the names that older architectures have besides */
    {"create", __NR_open, PATH, 0, ENOSPC},
    {"create", __NR_creat, PATH, 0, ENOSPC},
    {"open", __NR_open, PATH, 0, EMFILE},
    {"mkdir", __NR_mkdir, PATH, 0, ENOSPC},
    {"rename", __NR_rename, PATH, 1, ENOSPC},
    {"rename", __NR_link, PATH, 1, ENOSPC},
    {"rename", __NR_symlink, PATH, 1, ENOSPC},
    {"remove", __NR_unlink, PATH, 0, EIO},
    {"remove", __NR_rmdir, PATH, 0, EIO},
    {"mode", __NR_chmod, PATH, 0, EIO},
    {"mode", __NR_chown, PATH, 0, EIO},
    {"mode", __NR_lchown, PATH, 0, EIO},
    {"fork", __NR_fork, NOTHING, 0, ENOMEM},
    {"fork", __NR_vfork, NOTHING, 0, ENOMEM},
    {"pipe", __NR_pipe, NOTHING, 0, EMFILE},
#endif
#ifdef __NR_renameat
    {"rename", __NR_renameat, AT, 2, ENOSPC},
#endif
};
#define CALLS (sizeof calls / sizeof calls[0])

/* A call that a process is stopped at. */
struct stop {
    pid_t pid;
    int nr;
    uint64_t args[6];
};

static const char *group, *mode, *folders;
static FILE *report;
static pid_t child;
static int started; /* the command itself has begun */
static long number, counted, failed;

static void die(const char *what) {
    perror(what);
    exit(99);
}

static long read_memory(pid_t pid, uint64_t address, void *to, size_t size) {
    struct iovec local = {to, size}, remote = {(void *)(uintptr_t)address, size};
    return process_vm_readv(pid, &local, 1, &remote, 1, 0);
}

/* A path of another process; page by page, for it may end at the end of what can be read. */
static int read_string(pid_t pid, uint64_t address, char *to, size_t size) {
    size_t done = 0;
    while (done + 1 < size) {
        size_t part = 4096 - (address + done) % 4096;
        if (part > size - 1 - done) part = size - 1 - done;
        long got = read_memory(pid, address + done, to + done, part);
        if (got <= 0) return -1;
        to[done + got] = 0;
        if (strlen(to + done) < (size_t)got) return 0;
        done += got;
    }
    return -1;
}

static int read_link(pid_t pid, const char *what, int fd, char *to) {
    char link[64];
    if (what) snprintf(link, sizeof link, "/proc/%d/%s", pid, what);
    else snprintf(link, sizeof link, "/proc/%d/fd/%d", pid, fd);
    ssize_t length = readlink(link, to, PATH_MAX - 1);
    if (length < 0) return -1;
    to[length] = 0;
    return 0;
}

/* The absolute name of the file that a call is about; 0 where there is one. */
static int find_file(const struct stop *stop, const struct call *call, char *to) {
    const uint64_t *arguments = stop->args;
    char name[PATH_MAX];
    int base = AT_FDCWD, argument = call->argument;
    if (call->where == FD) return read_link(stop->pid, NULL, (int)arguments[argument], to);
    if (call->where == AT) base = (int)arguments[argument++];
    if (read_string(stop->pid, arguments[argument], name, sizeof name)) return -1;
    if (name[0] == '/') {
        strcpy(to, name);
        return 0;
    }
    if (read_link(stop->pid, base == AT_FDCWD ? "cwd" : NULL, base, to)) return -1;
    if (strlen(to) + strlen(name) + 2 > PATH_MAX) return -1;
    strcat(strcat(to, "/"), name);
    return 0;
}

static int is_below(const char *path) {
    const char *from = folders;
    if (!*from) return 1;
    while (*from) {
        size_t length = strcspn(from, ":");
        if (!strncmp(path, from, length) && (path[length] == '/' || !path[length])) return 1;
        from += length + (from[length] == ':');
    }
    return 0;
}

/* The stand-in for an engine is no part of what is tested. */
static int is_engine(pid_t pid) {
    char path[64], words[4096] = "";
    snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
    int fd = open(path, O_RDONLY);
    if (fd < 0) return 0;
    ssize_t size = read(fd, words, sizeof words - 1);
    close(fd);
    for (ssize_t at = 0; at < size; at += strlen(words + at) + 1) {
        size_t length = strlen(words + at);
        if (length > 7 && !strcmp(words + at + length - 7, "/docker")) return 1;
        if (at && words[at] != '-') break; /* the script is the first word that is no option */
    }
    return 0;
}

/* Whether a call counts; its file's name is left in `path`. */
static int is_wanted(const struct stop *stop, const struct call *call, char *path) {
    const uint64_t *arguments = stop->args;
    int nr = stop->nr;
    struct stat about;
    *path = 0;
    if (!strcmp(group, "fork")) {
        uint64_t flags = 0;
        if (nr == __NR_clone) flags = arguments[0];
        else if (nr == __NR_clone3) read_memory(stop->pid, arguments[0], &flags, sizeof flags);
        return !(flags & CLONE_THREAD) && !is_engine(stop->pid);
    }
    if (!strcmp(group, "exec")) {
        if (read_string(stop->pid, arguments[nr == __NR_execveat ? 1 : 0], path, PATH_MAX)) return 0;
        if (access(path, X_OK)) return 0;
        if (started) return !is_engine(stop->pid);
        started = 1;
        return 0;
    }
    if (!strcmp(group, "pipe")) return !is_engine(stop->pid);
    if (find_file(stop, call, path) || !is_below(path)) return 0;
    if (!strcmp(group, "create") || !strcmp(group, "open")) {
        uint64_t flags = O_CREAT;
        if (call->where == AT) flags = arguments[2];
#ifdef __NR_open
        if (nr == __NR_open) flags = arguments[1];
#endif
        int makes = (flags & O_CREAT) && lstat(path, &about);
        return makes == !strcmp(group, "create");
    }
    if (!strcmp(group, "mkdir") && !lstat(path, &about)) return 0; /* which fails as it is */
    /* what the shell itself is read from must be whole, or it runs nothing */
    if (!strcmp(group, "read") && stop->pid == child && strlen(path) > 8 && !strcmp(path + strlen(path) - 8, "/install")) return 0;
    if (!strcmp(group, "write") || !strcmp(group, "close")) {
        if (stat(path, &about) == 0 && !S_ISREG(about.st_mode)) return 0;
    }
    if (!strcmp(group, "close")) { /* of what was only read, nobody minds */
        char info[64], text[256] = "";
        unsigned flags = 0;
        snprintf(info, sizeof info, "/proc/%d/fdinfo/%d", stop->pid, (int)arguments[0]);
        FILE *file = fopen(info, "r");
        if (!file) return 0;
        while (fgets(text, sizeof text, file)) sscanf(text, "flags: %o", &flags);
        fclose(file);
        return (flags & O_ACCMODE) != O_RDONLY;
    }
    return 1;
}

#ifdef __x86_64__
typedef struct user_regs_struct registers;
#define NUMBER(r) ((r).orig_rax)
#define RESULT(r) ((r).rax)
#define ARGUMENTS(r) {(r).rdi, (r).rsi, (r).rdx, (r).r10, (r).r8, (r).r9}
#define THIRD(r) ((r).rdx)
#else
#error "the registers of this architecture are not known here"
#endif

/* A line of the report about the call that was counted last. */
static void tell(const char *what, pid_t pid, const char *path) {
    char name[64] = "", words[512] = "";
    snprintf(name, sizeof name, "/proc/%d/cmdline", pid);
    int fd = open(name, O_RDONLY);
    ssize_t size = fd < 0 ? 0 : read(fd, words, sizeof words - 1);
    if (fd >= 0) close(fd);
    for (ssize_t at = 0; at < size; at++) if ((unsigned char)words[at] < ' ') words[at] = ' ';
    fprintf(report, "%s %ld %s: %.300s\n", what, counted, path, words);
}

static void answer(pid_t pid) {
    registers now;
    char path[PATH_MAX];
    const struct call *call = NULL;
    if (ptrace(PTRACE_GETREGS, pid, 0, &now)) return; /* killed meanwhile */
    struct stop stop = {pid, (int)NUMBER(now), ARGUMENTS(now)};
    for (size_t each = 0; each < CALLS; each++) {
        if (calls[each].number == stop.nr && !strcmp(calls[each].group, group)) call = &calls[each];
    }
    if (!call || !is_wanted(&stop, call, path)) return;
    counted++;
    if (!strcmp(mode, "list")) tell("call", pid, path);
    if (!strcmp(mode, "list") || !strcmp(mode, "count") || counted < number) return;
    if (counted > number && (!strcmp(mode, "once") || !strcmp(mode, "half"))) return;
    int halves = counted == number && (!strcmp(mode, "short") || !strcmp(mode, "half")) && stop.args[2] > 1 &&
                 (stop.nr == __NR_read || stop.nr == __NR_write);
    if (!halves && !strcmp(mode, "half")) return;
    failed++;
    if (failed <= SHOWN) tell(halves ? "short" : "failed", pid, path);
    if (halves) {
        THIRD(now) /= 2;
    } else {
        NUMBER(now) = -1;
        RESULT(now) = -call->error;
    }
    if (ptrace(PTRACE_SETREGS, pid, 0, &now) && errno != ESRCH) die("PTRACE_SETREGS");
}

/* The system calls of the group stop the process; the others are not touched. */
static int install_filter(void) {
    struct sock_filter code[2 * CALLS + 2];
    unsigned short length = 0;
    code[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t each = 0; each < CALLS; each++) {
        if (strcmp(calls[each].group, group)) continue;
        code[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[each].number, 0, 1);
        code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
    }
    if (length == 1) {
        fprintf(stderr, "injector: no such group of calls: %s\n", group);
        _exit(98);
    }
    code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {length, code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* Let a process go on after a stop. */
static void resume(pid_t pid, int status) {
    int event = status >> 16, number = WSTOPSIG(status);
    if (event == PTRACE_EVENT_SECCOMP) answer(pid);
    if (event == PTRACE_EVENT_STOP && (number == SIGSTOP || number == SIGTSTP || number == SIGTTIN || number == SIGTTOU)) {
        ptrace(PTRACE_LISTEN, pid, 0, 0);
    } else {
        ptrace(PTRACE_CONT, pid, 0, event ? 0 : number);
    }
}

int main(int count, char **words) {
    if (count < 7) {
        fprintf(stderr, "usage: injector CALLS NUMBER once|ever|short|half|count FOLDERS REPORT COMMAND...\n");
        return 98;
    }
    group = words[1], number = atol(words[2]), mode = words[3], folders = words[4];
    report = fopen(words[5], "we");
    if (!report) die(words[5]);
    int ready[2];
    char byte = 0;
    if (pipe2(ready, O_CLOEXEC)) die("pipe2");
    child = fork();
    if (child < 0) die("fork");
    if (!child) {
        while (read(ready[0], &byte, 1) < 0 && errno == EINTR) {}
        if (!byte) _exit(99);
        if (install_filter()) {
            perror("injector: seccomp");
            _exit(99);
        }
        execvp(words[6], words + 6);
        _exit(127);
    }
    long options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL;
    if (ptrace(PTRACE_SEIZE, child, 0, options)) {
        kill(child, SIGKILL);
        die("injector: PTRACE_SEIZE");
    }
    byte = 1;
    if (write(ready[1], &byte, 1) != 1) die("write");
    int result = 0, ended = 0, left = 0;
    time_t end = 0;
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, __WALL | (ended ? WNOHANG : 0));
        if (pid < 0 && errno == EINTR) continue;
        if (pid < 0) break; /* all have ended */
        if (pid == 0) {
            if (time(NULL) - end > LEFT_SECONDS) {
                left = 1;
                break; /* and what is left ends with its tracer */
            }
            usleep(2000);
        } else if (WIFSTOPPED(status)) {
            resume(pid, status);
        } else if (pid == child) {
            result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            ended = 1;
            end = time(NULL);
        }
    }
    fprintf(report, "calls=%ld\nfailed=%ld\nleft=%d\n", counted, failed, left);
    if (fclose(report)) die("report");
    return result;
}
