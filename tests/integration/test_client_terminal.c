/* SPDX-License-Identifier: MIT */
/* The conversation on a real terminal (a pty): what is asked, what is kept when somebody stops. */
#include "client_rig.h"

#include <poll.h>
#include <pty.h>

#define WAIT_MS 20000

struct term {
    pid_t pid;
    int fd;
    char seen[RIG_TEXT]; /* everything so far */
    size_t len, read_to; /* what was matched already */
};

static void open_term(struct term *term, struct rig *rig, const char *const *arguments)
{
    struct winsize size = {.ws_row = 50, .ws_col = 90};
    memset(term, 0, sizeof *term);
    term->pid = forkpty(&term->fd, NULL, NULL, &size);
    assert_true(term->pid >= 0);
    if (term->pid == 0) {
        rig_exec(rig, arguments);
    }
}

static bool read_more(struct term *term)
{
    struct pollfd poller = {.fd = term->fd, .events = POLLIN};
    ssize_t n = -1;
    if (poll(&poller, 1, WAIT_MS) == 1 && term->len < sizeof term->seen - 1) {
        n = read(term->fd, term->seen + term->len, sizeof term->seen - 1 - term->len);
    }
    term->len += n > 0 ? (size_t)n : 0;
    term->seen[term->len] = '\0';
    return n > 0;
}

static void expect(struct term *term, const char *words)
{
    const char *at;
    while ((at = strstr(term->seen + term->read_to, words)) == NULL) {
        if (!read_more(term)) {
            fail_msg("waited for \"%s\", saw: %s", words, term->seen + term->read_to);
        }
    }
    term->read_to = (size_t)(at - term->seen) + strlen(words);
}

static void answer(struct term *term, const char *question, const char *line)
{
    expect(term, question);
    assert_int_equal(write(term->fd, line, strlen(line)), (ssize_t)strlen(line));
}

static int close_term(struct term *term)
{
    int status = 0;
    while (read_more(term)) {
    }
    assert_int_equal(waitpid(term->pid, &status, 0), term->pid);
    close(term->fd);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* From the list of who is told to the end. */
static void file_and_end(struct term *term, const char *keep)
{
    answer(term, "Numbers or", "\n");
    answer(term, "File it now?", "y\n");
    answer(term, "Keep a copy", keep);
    assert_int_equal(close_term(term), 0);
}

static const char *const file_it[] = {"file", NULL};

static void answer_first_questions(struct term *term)
{
    answer(term, "Number: ", "9\n");
    expect(term, "number from 1 to 2");
    answer(term, "Number: ", "2\n");
    answer(term, "Which customer", "Initech\n");
    answer(term, "> ", "They left.\n");
    answer(term, "> ", "All of them.\n");
    answer(term, "> ", ".\n");
    answer(term, "Since (", "soon\n");
    answer(term, "Since (", "2026-11-20\n");
    answer(term, "Number: ", "1\n");
}

static void a_filing_in_conversation_is_asked_shown_struck_and_filed(void **state)
{
    struct rig *rig = *state;
    struct term *term = calloc(1, sizeof *term);
    open_term(term, rig, file_it);
    expect(term, "Root on this machine can read along");
    expect(term, "You file as Maria Lopez");
    answer_first_questions(term);
    answer(term, "Names (Enter: nobody in particular): ", "Suport\n");
    expect(term, "do you mean Support?");
    answer(term, "Names", "support\n");
    expect(term, "raise the alarm");
    expect(term, "Chris Olsen (coo), at once");
    answer(term, "Numbers or names", "Chirs Olson\n"); /* not filed: the list is shown again */
    expect(term, "Nobody here is called 'Chirs Olson'");
    answer(term, "Numbers or names", "1\n");
    expect(term, "Chris Olsen will not be told");
    expect(term, "1  Eve Ernst");
    answer(term, "Numbers or names", "\n");
    assert_int_equal(rig_sent(rig, "\"/v1/incidents\""), 0);
    answer(term, "File it now?", "y\n");
    expect(term, "7K2Q-M9XA-3DTR-WZ5E-142");
    answer(term, "Keep a copy", "y\n");
    assert_int_equal(close_term(term), 0);
    assert_int_equal(rig_sent(rig, "\\\"strike\\\":[\\\"coo\\\"]"), 2); /* second preview, filing */
    assert_int_equal(rig_sent(rig, "\\\"about\\\":[\\\"team:support\\\"]"), 4);
    assert_int_equal(rig_sent(rig, "They left.\\\\nAll of them."), 1);
    open_term(term, rig, (const char *const[]){"status", NULL});
    answer(term, "Receipt, or its number: ", "1\n");
    expect(term, "somebody has taken it");
    assert_int_equal(close_term(term), 0);
    free(term);
}

static int count_entry(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    return strstr(path, "/spool") != NULL || strstr(path, "/receipts") != NULL;
}

static void stopping_at_any_question_leaves_nothing_behind(void **state)
{
    struct rig *rig = *state;
    static const char *const questions[] = {"Number: ",   "Which customer", "> ",
                                            "Since (",    "Number: ",       "Names",
                                            "Numbers or", "File it now?"};
    static const char *const answers[] = {"1\n", "\n", "Left\n.\n", "\n", "1\n", "\n", "\n"};
    for (size_t stop = 0; stop < sizeof questions / sizeof questions[0]; stop++) {
        struct term *term = calloc(1, sizeof *term);
        open_term(term, rig, file_it);
        for (size_t i = 0; i < stop; i++) {
            answer(term, questions[i], answers[i]);
        }
        answer(term, questions[stop], "\003");
        expect(term, "Nothing was filed, and nothing was kept.");
        assert_int_equal(close_term(term), 130);
        free(term);
    }
    assert_int_equal(rig_sent(rig, "\"/v1/incidents\""), 0);
    assert_int_equal(nftw(rig->home, count_entry, 16, FTW_PHYS), 0);
}

static void a_preview_files_nothing_on_a_terminal_either(void **state)
{
    struct rig *rig = *state;
    struct term *term = calloc(1, sizeof *term);
    open_term(term, rig,
              (const char *const[]){"file", "--preview", "--category", "slow-service", "--known",
                                    "seen", NULL});
    expect(term, "Chris Olsen (coo), at once");
    assert_int_equal(close_term(term), 0);
    assert_int_equal(rig_sent(rig, "\"/v1/incidents\""), 0);
    free(term);
}

static void saying_no_files_nothing(void **state)
{
    struct rig *rig = *state;
    struct term *term = calloc(1, sizeof *term);
    open_term(term, rig, file_it);
    answer_first_questions(term);
    answer(term, "Names", "\n");
    answer(term, "Numbers or", "\n");
    answer(term, "File it now?", "\n");
    answer(term, "File it now?", "n\n");
    expect(term, "Nothing was filed");
    assert_int_equal(close_term(term), 130);
    assert_int_equal(nftw(rig->home, count_entry, 16, FTW_PHYS), 0);
    free(term);
}

static void what_is_yours_to_solve_can_be_raised_in_one_word(void **state)
{
    struct rig *rig = *state;
    struct term *term = calloc(1, sizeof *term);
    open_term(term, rig,
              (const char *const[]){"file", "--category", "slow-service", "--customer", "Nobody",
                                    "--known", "seen", "--since", "today", NULL});
    answer(term, "> ", "Slow\n.\n");
    answer(term, "Names", "\n");
    expect(term, "we know no such customer");
    answer(term, "Which customer", "Initech\n");
    expect(term, "yours to solve");
    answer(term, "Numbers or", "\n");
    answer(term, "raise: raise the alarm", "raise\n");
    expect(term, "raise the alarm");
    file_and_end(term, "\n");
    assert_int_equal(rig_sent(rig, "\\\"level\\\":\\\"raise\\\""), 2);
    free(term);
}

static void without_a_daemon_the_kept_guide_asks_and_the_filing_waits(void **state)
{
    struct rig *rig = *state;
    struct term *term = calloc(1, sizeof *term);
    assert_int_equal(RIG_RUN(rig, "", "guide"), 0);
    rig_stop(rig);
    open_term(term, rig, file_it);
    expect(term, "cannot be reached now. You can file all the same");
    answer_first_questions(term);
    answer(term, "Names", "eve\n");
    expect(term, "cannot be shown now");
    answer(term, "File it now?", "y\n");
    expect(term, "Your filing is safe");
    assert_int_equal(close_term(term), 75);
    assert_null(strstr(term->seen, "\033]0;"));
    free(term);
}

static void without_any_guide_the_questions_that_always_hold_are_asked(void **state)
{
    struct rig *rig = *state;
    struct term *term = calloc(1, sizeof *term);
    rig_stop(rig);
    open_term(term, rig, file_it);
    answer(term, "Which customer", "\n");
    answer(term, "> ", "Poison\n");
    answer(term, "> ", "\004");
    answer(term, "Since (", "\n");
    answer(term, "Number: ", "told\n");
    answer(term, "Names", "chris\n");
    answer(term, "File it now?", "y\n");
    assert_int_equal(close_term(term), 75);
    unlink(rig->socket);
    rig_serve(rig, (const char *const[]){"--unix", rig->socket, NULL});
    assert_int_equal(RIG_RUN(rig, "", "spool", "send"), 0);
    assert_int_equal(rig_sent(rig, "\\\"category\\\":null"), 1);
    assert_int_equal(rig_sent(rig, "\\\"about\\\":[\\\"chris\\\"]"), 1);
    free(term);
}

/* The list is shown three times: for the names, after what was not understood, and as it is filed.
 * Two letters are a word more often than the beginning of a name; a name of two letters is one. */
static void an_answer_of_no_is_nobodys_name(void **state)
{
    struct rig *rig = *state;
    struct term *term = calloc(1, sizeof *term);
    open_term(term, rig, file_it);
    answer_first_questions(term);
    static const char *const words[] = {"no", "n", "No"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        char line[8], says[64];
        snprintf(line, sizeof line, "%s\n", words[i]);
        snprintf(says, sizeof says, "obody here is called '%s'", words[i]);
        answer(term, "Names (Enter: nobody in particular): ", line);
        expect(term, says);
    }
    answer(term, "Names (Enter: nobody in particular): ", "noa, li\n");
    answer(term, "Numbers or names", "no\n");
    expect(term, "Nobody here is called 'no'");
    file_and_end(term, "n\n");
    assert_int_equal(rig_sent(rig, "\\\"about\\\":[\\\"noah\\\",\\\"li\\\"]"), 3);
    assert_int_equal(rig_sent(rig, "\\\"strike\\\":[\\\""), 0);
    free(term);
}

static void stepping_out_is_asked_before_it_is_done(void **state)
{
    static const char *const out[] = {"recuse", "7K2Q-M9XA-3DTR-WZ5E", NULL};
    static const struct {
        const char *line;
        int exit;
        size_t sent;
    } cases[] = {{"\n", 130, 0},   {"n\n", 130, 0},  {"no\n", 130, 0},
                 {"\003", 130, 0}, {"\004", 130, 0}, {"y\n", 0, 1}};
    struct rig *rig = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct term *term = calloc(1, sizeof *term);
        open_term(term, rig, out);
        answer(term, "There is no way back. Go on? (y/N) ", cases[i].line);
        assert_int_equal(close_term(term), cases[i].exit);
        assert_int_equal(rig_sent(rig, "/recuse"), cases[i].sent);
        free(term);
    }
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, rig_open, rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RIG(a_filing_in_conversation_is_asked_shown_struck_and_filed),
        WITH_RIG(stopping_at_any_question_leaves_nothing_behind),
        WITH_RIG(a_preview_files_nothing_on_a_terminal_either),
        WITH_RIG(saying_no_files_nothing),
        WITH_RIG(what_is_yours_to_solve_can_be_raised_in_one_word),
        WITH_RIG(without_a_daemon_the_kept_guide_asks_and_the_filing_waits),
        WITH_RIG(without_any_guide_the_questions_that_always_hold_are_asked),
        WITH_RIG(an_answer_of_no_is_nobodys_name),
        WITH_RIG(stepping_out_is_asked_before_it_is_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
