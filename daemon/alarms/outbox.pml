/* SPDX-License-Identifier: MIT */
/* The escalation and the outbox as a model for spin, with a crash at any moment.
 *
 * One filing, a policy of two levels of which the last repeats, one notification a level, receivers
 * that refuse or whose answers are lost, and a daemon whose memory may go at any time. On disk is
 * what was committed; everything that leaves waits for that. `tests/lint/model.sh` checks it:
 *
 *   spin -a daemon/alarms/outbox.pml && gcc -O2 -DNFAIR=4 -o pan pan.c
 *   pan -a -f -N owned     each filing that has a receipt is owned in the end
 *   pan -a -N told         what is marked as sent has reached its receiver
 *   pan -a -N kept         a receipt stands for a record on disk; nothing leaves before its cause
 *
 * and that spin finds the fault when one is built in:
 *
 *   -DMARK_FIRST   marks as sent, then sends: refuted by `told`
 *   -DREPLY_EARLY  gives the receipt before the commit: refuted by `kept`
 *   -DNO_LOOP      does not repeat the last level: refuted by `owned`
 *
 * What it leaves out: several alarms, channels of one person, times. Those are played by the random
 * worlds of `firealarm test`'s engine, on the code itself. */
#ifndef CRASHES
#define CRASHES 2
#endif
#ifndef FAILURES
#define FAILURES 2 /* refusals and lost answers, then receivers do their work */
#endif
#define LEVELS 2

#define NONE     0
#define QUEUED   1 /* to be sent; on disk also while it is with the courier */
#define UNDERWAY 2
#define SENT     3
#define FAILED   4 /* refused: the climb goes on, and it is queued again when its level repeats */

typedef Known {
    bool filed;
    bool owned;
    byte level; /* how many were begun */
    byte note[LEVELS]
};

Known disk, memory;
bool asked, receipt;     /* the client */
bool got[LEVELS];        /* the receivers */
bool early;              /* something left before its cause was on disk */
bool handed[LEVELS];     /* to the courier, which forgets with the daemon */
byte crashes, failures;

ltl owned { [] (receipt -> <> disk.owned) }
ltl told { [] ((disk.note[0] == SENT -> got[0]) && (disk.note[1] == SENT -> got[1])) }
ltl kept { [] ((receipt -> disk.filed) && !early) }

/* It asks until it has its receipt; always with the same key. */
active proctype Client()
{
end:
    do
    :: atomic { !receipt && !asked -> asked = true }
    od
}

active proctype Accept()
{
end:
    do
    :: atomic { asked && !memory.filed -> memory.filed = true; asked = false }
#ifdef REPLY_EARLY
    :: atomic { memory.filed && !receipt -> receipt = true }
#else
    :: atomic { memory.filed && disk.filed && !receipt -> receipt = true }
#endif
    od
}

/* The writer thread: all that was decided becomes durable at once. */
inline write(l)
{
    if
    :: memory.note[l] == UNDERWAY -> disk.note[l] = QUEUED
    :: else -> disk.note[l] = memory.note[l]
    fi
}

#define ON_DISK(l) (disk.note[l] == memory.note[l] || (disk.note[l] == QUEUED && memory.note[l] == UNDERWAY))
#define ALL_ON_DISK (disk.filed == memory.filed && disk.owned == memory.owned && \
    disk.level == memory.level && ON_DISK(0) && ON_DISK(1))

active proctype Writer()
{
end:
    do
    :: atomic {
        !ALL_ON_DISK ->
        disk.filed = memory.filed;
        disk.owned = memory.owned;
        disk.level = memory.level;
        write(0);
        write(1)
    }
    od
}

/* A level is due: the first at once, the next when nobody owned the one before, the last again. */
active proctype Clock()
{
end:
    do
    :: atomic {
        memory.filed && !memory.owned && memory.level < LEVELS ->
        memory.note[memory.level] = QUEUED;
        memory.level++
    }
#ifndef NO_LOOP
    :: atomic {
        memory.filed && !memory.owned && memory.level == LEVELS &&
            (memory.note[LEVELS - 1] == SENT || memory.note[LEVELS - 1] == FAILED) ->
        memory.note[LEVELS - 1] = QUEUED
    }
#endif
    od
}

inline hand_over(l)
{
    early = early || !disk.filed || disk.note[l] == NONE;
    handed[l] = true
}

active [LEVELS] proctype Sender()
{
    byte l = _pid % LEVELS;
end:
    do
#ifdef MARK_FIRST
    :: atomic { memory.note[l] == QUEUED && disk.note[l] == QUEUED -> memory.note[l] = SENT }
    :: atomic { memory.note[l] == SENT && disk.note[l] == SENT && !got[l] && !handed[l] -> hand_over(l) }
#else
    :: atomic {
        memory.note[l] == QUEUED && disk.note[l] == QUEUED ->
        hand_over(l);
        memory.note[l] = UNDERWAY
    }
#endif
    od
}

/* Verdicts. A lost answer leaves it under way: it is asked for again under the same key. */
active [LEVELS] proctype Courier()
{
    byte l = _pid % LEVELS;
end:
    do
    :: atomic {
        handed[l] ->
        handed[l] = false;
        if
        :: got[l] = true;
           if
           :: memory.note[l] == UNDERWAY -> memory.note[l] = SENT
           :: else
           fi
        :: failures < FAILURES ->
           failures++;
           if
           :: got[l] = true; handed[l] = true
           :: memory.note[l] == UNDERWAY -> memory.note[l] = FAILED
           :: memory.note[l] != UNDERWAY
           fi
        fi
    }
    od
}

/* Whoever was told owns it at last: the first may be asleep, the last level is not for ever. */
active proctype Person()
{
end:
    do
    :: atomic { got[LEVELS - 1] && memory.filed && !memory.owned -> memory.owned = true }
    od
}

/* kill -9, a power cut, an error of the disk: memory is what the disk says. */
active proctype Crash()
{
end:
    do
    :: atomic {
        crashes < CRASHES ->
        crashes++;
        asked = false;
        memory.filed = disk.filed;
        memory.owned = disk.owned;
        memory.level = disk.level;
        memory.note[0] = disk.note[0];
        memory.note[1] = disk.note[1];
        handed[0] = false;
        handed[1] = false
    }
    od
}
