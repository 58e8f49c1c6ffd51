/* SPDX-License-Identifier: MIT */
/* The company that the rig's daemon serves, as a table: the configuration is written from it, and
 * who must not know of a filing is told from it, with no function of the daemon's.
 *
 * maria files (she is whoever runs the test) and reports to victor, he to chris (coo), who reports
 * to dana (ceo), she to ruth. ruth, leo, vera and tess are independent; but leo is victor's
 * assistant, vera his deputy, and tess reports to maria. ines and noah operate. */
#ifndef FA_TEST_RIG_COMPANY_H
#define FA_TEST_RIG_COMPANY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

/* The block `people`: maria is that user, chris has that token's hash and those channels. */
void rig_company_put(FILE *out, uid_t maria, const char *token_hash, const char *chris);
/* Each channel of the company, called as the path at the receiver is; NULL after the last. */
const char *rig_company_channel(size_t i);
/* Whoever reads at that path ("/NAME") or mailbox ("NAME@...") is too near to the person that it is
 * about: the person, who stands in or reads mail for them, who reports to them at any distance, and
 * whom they report to up to the first who is independent. False for a reader that is nobody's. */
bool rig_company_keeps_out(const char *about, const char *reader);

#endif
