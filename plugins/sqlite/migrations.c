/* SPDX-License-Identifier: MIT */
/* How the database came to look as it does. A new version is one more row; one that was released is
 * never edited. What a row does not do: look at what is in rows, which only the host understands.
 * It is in a file of its own so that tests can put a longer table in its place. */
#include "internal.h"

/* Row i brings schema i to i + 1. */
static const char *const migrations[] = {
    "CREATE TABLE row ("
    " kind INTEGER NOT NULL, key BLOB NOT NULL,"
    " live INTEGER NOT NULL CHECK (live IN (0, 1)), time INTEGER NOT NULL,"
    " value BLOB NOT NULL, mac BLOB NOT NULL CHECK (length(mac) = 32),"
    " PRIMARY KEY (kind, key)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX row_live ON row (kind, key) WHERE live = 1;"
    "CREATE INDEX row_history ON row (kind, time, key) WHERE live = 0;"
    "CREATE TABLE journal ("
    " n INTEGER NOT NULL PRIMARY KEY CHECK (n > 0), time INTEGER NOT NULL,"
    " body BLOB NOT NULL, chain BLOB NOT NULL CHECK (length(chain) = 32)) STRICT;",
    /* Keys are random: only a narrow index of history is in their order (places.h knows live rows,
     * those that ended nobody asks for), so that what is written together lies together. A journal
     * row with a count holds so many entries from n on (pages.h); its chain is the last one's. */
    "CREATE TABLE rows ("
    " id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, key BLOB NOT NULL,"
    " live INTEGER NOT NULL CHECK (live IN (0, 1, 2)), time INTEGER NOT NULL,"
    " value BLOB NOT NULL, mac BLOB NOT NULL CHECK (length(mac) = 32)) STRICT;"
    "INSERT INTO rows (kind, key, live, time, value, mac)"
    " SELECT kind, key, live, time, value, mac FROM row ORDER BY time;"
    "DROP TABLE row;"
    "ALTER TABLE rows RENAME TO row;"
    "CREATE UNIQUE INDEX row_key ON row (kind, key) WHERE live = 0;"
    "CREATE INDEX row_live ON row (kind) WHERE live = 1;"
    "CREATE INDEX row_history ON row (kind, time, key) WHERE live <> 1;"
    "ALTER TABLE journal ADD COLUMN count INTEGER NOT NULL DEFAULT 0;",
    /* Live rows have a table without any index (places.h knows where they are), history has those
     * that it is asked by: an alarm in a storm is written four times, three of them as a live row.
     * And a CHECK with IN had SQLite make a table of its numbers for each row that was written. */
    "CREATE TABLE live ("
    " id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, key BLOB NOT NULL, time INTEGER NOT NULL,"
    " value BLOB NOT NULL, mac BLOB NOT NULL CHECK (length(mac) = 32)) STRICT;"
    "CREATE TABLE past ("
    " id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, key BLOB NOT NULL,"
    " ended INTEGER NOT NULL CHECK (ended BETWEEN 0 AND 1), time INTEGER NOT NULL,"
    " value BLOB NOT NULL, mac BLOB NOT NULL CHECK (length(mac) = 32)) STRICT;"
    "INSERT INTO live SELECT id, kind, key, time, value, mac FROM row WHERE live = 1 ORDER BY id;"
    "INSERT INTO past SELECT id, kind, key, live / 2, time, value, mac FROM row WHERE live <> 1"
    " ORDER BY id;"
    "DROP TABLE row;"
    "CREATE UNIQUE INDEX past_key ON past (kind, key) WHERE ended = 0;"
    "CREATE INDEX past_time ON past (kind, time, key);",
};

const char *const *sqlite_migrations(int *ret_version)
{
    *ret_version = (int)(sizeof migrations / sizeof migrations[0]);
    return migrations;
}
