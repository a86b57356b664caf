/* Token buckets. Owns nothing. */
#include "http2/http2_budget.h"

#include "base/limits.h"

bool http2_budget_take(struct http2_budget *budget, uint64_t now) {
    if (budget->left == 0 || budget->refilled == 0) {
        uint64_t passed = budget->refilled == 0 ? 0 : now - budget->refilled;
        uint64_t tokens = passed * budget->size / (LIMIT_HTTP2_REFILL_SECONDS * 1000);
        http2_budget_earn(budget, tokens < budget->size ? (size_t)tokens : budget->size);
        budget->refilled = now > 0 ? now : 1;
    }
    if (budget->left == 0) {
        return false;
    }
    budget->left--;
    return true;
}
