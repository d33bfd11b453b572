/* xml_question: somebody asks for one domain's XML, as it is now. */
#ifndef HOST_XML_QUESTION_H
#define HOST_XML_QUESTION_H

#include "host/parts.h"

/* Answers all that are open with this error; their calls may still be out. Loop-only. */
void xml_questions_end(struct host *host, enum lodge_error_kind kind, const char *why);

#endif
